"""Who sees which rows: from roles and a dataset's rights to one SQL condition. Nothing else decides it.

`rights.json`:
    roles     name of a kind of role -> {"sees": [kinds of datasets], "by": "county" | "unit" | "town" | null, "code":
    "none" | "must" |
              "may"}; a role of a kind with codes is called `<kind>:<code>`
    datasets  table -> {"kind": "ordinary" | "open" | "reference" | "staff" | "persons", "rows": {"county": column,
    …}, "title": …}
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# What is appended to the name of a role and becomes part of a condition: a code, never anything that could end a
# string.
_CODE_CHARACTERS = frozenset("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-")
NO_ROW = "1 = 0"
EVERY_ROW = "1 = 1"


@dataclass(frozen=True)
class Rights:
    """The rights in force."""

    roles: dict[str, dict[str, Any]]
    datasets: dict[str, dict[str, Any]]

    def condition(self, table: str, role_names: Iterable[str]) -> str | None:
        """The condition that leaves of a table the rows of somebody with these roles.

        Returns None where none of the roles has any right to the table: it is then not shown to exist.
        """
        dataset = self.datasets.get(table)
        if dataset is None:
            return None
        own: dict[str, set[str]] = {}
        for name in role_names:
            kind, code = self.parse(name)
            if kind is None or dataset["kind"] not in kind["sees"]:
                continue
            if code is None or dataset["kind"] in ("open", "reference"):
                return EVERY_ROW
            column = dataset.get("rows", {}).get(kind["by"])
            if column:
                own.setdefault(column, set()).add(code)
        if not own:
            return None
        parts = []
        for column, codes in sorted(own.items()):
            listed = ", ".join(f"'{code}'" for code in sorted(codes))
            parts.append(f"{column} IN ({listed})")
        return f"({' OR '.join(parts)})"

    def parse(self, role_name: str) -> tuple[dict[str, Any] | None, str | None]:
        """A role's kind and code; (None, None) for what is no role of ours, or not one as its kind wants it."""
        name, colon, code = role_name.partition(":")
        kind = self.roles.get(name)
        if kind is None or (colon and not (code and _CODE_CHARACTERS.issuperset(code))):
            return None, None
        if (kind["code"] == "must") != bool(colon) and kind["code"] != "may":
            return None, None
        return kind, code or None

    def tables(self, role_names: Iterable[str]) -> list[str]:
        """The tables that somebody with these roles has any right to."""
        names = list(role_names)
        return [table for table in self.datasets if self.condition(table, names) is not None]


def read(path: Path) -> Rights:
    """The rights as a file has them; without the file nobody has any."""
    if not path.exists():
        return Rights({}, {})
    given = json.loads(path.read_text(encoding="utf-8"))
    return Rights(given["roles"], given["datasets"])
