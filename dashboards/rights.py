"""Who may see what, as declared (`rights.yml` and every dataset's `rights`), and as Superset's bootstrap reads it
(`rights.json`).

Which rows a role sees of a dataset follows from both by `dashboards.superset.rows`, the only place that decides it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints, model_validator

from wangting import declared

FILE = Path(__file__).with_name("rights.yml")
Kind = Literal["ordinary", "reference", "open", "staff", "persons"]
Whose = Literal["county", "unit", "town"]


class _Declared(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Role(_Declared):
    """A kind of role.

    Attributes:
        title: `中文 | English`. sees: the kinds of datasets. by: whose rows, where it is given for one code; None:
        all rows.
        code: whether a role of this kind carries a code (`县区:<code>`): none, must, or may (without one: all rows).
    """

    title: Annotated[str, StringConstraints(pattern=r"^.+ \| .+$")]
    sees: list[Kind]
    by: Whose | None = None
    code: Literal["none", "must", "may"] = "none"

    @model_validator(mode="after")
    def _code_of_whom(self) -> "Role":
        if (self.by is None) != (self.code == "none"):
            raise ValueError("by 与 code 要么都写，要么都不写")
        return self


class _Rights(_Declared):
    roles: dict[str, Role]


def roles(path: Path = FILE) -> dict[str, Role]:
    """The kinds of roles by name.

    Raises:
        WangtingError: with file, line and field of what does not fit.
    """
    return declared.load(path, _Rights).roles


def kind_of(rights: Mapping[str, Any]) -> Kind:
    """What kind of dataset its `rights` make it: the narrowest that they name, ordinary where they name rows alone."""
    kinds: tuple[Kind, ...] = ("persons", "staff", "open", "reference")
    return next((kind for kind in kinds if rights.get(kind)), "ordinary")


def document(datasets: Mapping[str, Mapping[str, Any]], path: Path = FILE) -> dict[str, Any]:
    """`rights.json`: roles and datasets as the bootstrap and the wall read them.

    Args:
        datasets: table of marts.duckdb → its `rights` as declared (`rows`, and at most `open`, `reference`, `staff`,
        `persons`).
    """
    return {
        "roles": {name: role.model_dump() for name, role in roles(path).items()},
        "datasets": {
            table: {"kind": kind_of(rights), "rows": dict(rights.get("rows") or {})}
            for table, rights in sorted(datasets.items())
        },
    }
