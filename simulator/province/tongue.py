"""A province that calls records, fields and codes otherwise than the published text: what it hears, and what it says.

What it is given under a published name that it calls otherwise it does not know at all.
"""

from collections.abc import Mapping
from typing import Any

from simulator.province.specification import Specification


class Tongue:
    """Between this province's own words and the published ones.

    Args:
        aliases: as a site words them: records, fields, codes; each published name → this province's.
    """

    def __init__(self, specification: Specification, aliases: Mapping[str, Any] | None = None) -> None:
        given = aliases or {}
        self.is_plain = not any(given.values())
        self._says: dict[str, str] = dict(given.get("records") or {})
        self._tables = {theirs: table for table, theirs in self._says.items()}
        self._fields: dict[str, dict[str, str]] = {}
        self._codes: dict[str, dict[str, dict[str, str]]] = {}
        codes = given.get("codes") or {}
        for table, record in specification.records.items():
            said = (given.get("fields") or {}).get(table, {})
            self._fields[table] = {theirs: name for name, theirs in said.items()} | {
                name: f"{name}（应为 {theirs}）" for name, theirs in said.items() if name not in said.values()
            }
            self._codes[table] = {}
            for name, field in record.fields.items():
                listed = codes.get(field.code_list) if field.code_list else None
                if listed:
                    heard = {theirs: code for code, theirs in listed.items()}
                    strange = {code: f"?{code}" for code in listed if code not in listed.values()}
                    self._codes[table][name] = strange | heard

    def table(self, heard: str) -> str:
        """The published name of a record type."""
        if heard in self._says and heard not in self._tables:
            return f"?{heard}"
        return self._tables.get(heard, heard)

    def says(self, table: str) -> str:
        """What this province calls a record type."""
        return self._says.get(table, table)

    def fields(self, table: str, heard: dict[str, str]) -> dict[str, str]:
        """The published names and codes of what came."""
        if self.is_plain or table not in self._fields:
            return heard
        names, codes = self._fields[table], self._codes[table]
        found = {}
        for name, value in heard.items():
            official = names.get(name, name)
            found[official] = codes.get(official, {}).get(value, value)
        return found
