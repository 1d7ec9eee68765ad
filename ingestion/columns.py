"""What a source promised of its columns against what it sent: missing, new, and values of another type."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from wangting.engine import literal
from wangting.errors import WangtingError

_TYPES = {
    "string": "VARCHAR",
    "int": "INTEGER",
    "bigint": "BIGINT",
    "double": "DOUBLE",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "boolean": "BOOLEAN",
}
_WHOLE = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"}
_OFFSET = r"\d{2}:\d{2}.*([+-]\d{2}(:?\d{2})?|Z)$"


def duckdb_type(declared: str) -> str:
    """DuckDB's name of a declared type."""
    return _TYPES.get(declared) or declared.upper()


def quoted(name: str) -> str:
    """A column's name in SQL."""
    return '"' + name.replace('"', '""') + '"'


@dataclass(frozen=True)
class Cast:
    """How one column gets its declared type.

    Attributes:
        value: SQL of the value as declared.
        is_wrong: SQL that is true where the source's value is not null and has no such form; None: cannot happen.
    """

    column: str
    value: str
    is_wrong: str | None = None

    @property
    def checked(self) -> str:
        """The value, stopping the statement at a wrong one."""
        if self.is_wrong is None:
            return self.value
        return f"CASE WHEN {self.is_wrong} THEN error('wrong type: ' || {literal(self.column)}) ELSE {self.value} END"


def compare(declared: Mapping[str, str], present: Iterable[str]) -> tuple[list[str], list[str]]:
    """(declared columns that the source does not have, columns of the source that are not declared)."""
    there = list(present)
    missing = [name for name in declared if name not in there]
    return missing, [name for name in there if name not in declared]


def require(declared: Mapping[str, str], present: Iterable[str], *, place: str) -> list[str]:
    """The source's undeclared columns.

    Raises:
        WangtingError: a declared column is gone; the table stops, nothing is guessed.
    """
    missing, new = compare(declared, present)
    if missing:
        raise WangtingError(
            f"来源缺少列 {'、'.join(missing)}",
            place=place,
            mend="请来源恢复该列，或在 source.yml 中改正 columns",
        )
    return new


def cast(column: str, declared: str, actual: str, *, source_zone: str, zone: str) -> Cast:
    """How `column`, of DuckDB type `actual` at the source, becomes what is declared; times become the site's."""
    wanted, name = duckdb_type(declared), quoted(column)
    if wanted == "TIMESTAMP":
        return _time(column, actual, source_zone, zone)
    if wanted == actual:
        return Cast(column, name)
    if wanted == "VARCHAR" and actual == "BLOB":
        # Text that a database keeps as bytes; what is no text stays legible as bytes.
        return Cast(column, f"coalesce(try(decode({name})), CAST({name} AS VARCHAR))")
    if wanted == "VARCHAR":
        return Cast(column, f"CAST({name} AS VARCHAR)")
    if wanted == "BOOLEAN" and actual in _WHOLE:
        # DuckDB would take 7 for true.
        return Cast(column, f"CAST({name} AS BOOLEAN)", f"({name} NOT IN (0, 1))")
    # A blank text is how spreadsheets and services write "nothing".
    given = f"nullif(trim({name}), '')" if actual == "VARCHAR" else name
    value = f"try_cast({given} AS {wanted})"
    is_wrong = f"({given} IS NOT NULL AND {value} IS NULL)"
    if wanted in _WHOLE and actual not in _WHOLE:
        # DuckDB would round 1.5 to 2.
        is_wrong = f"({is_wrong} OR try_cast({given} AS DOUBLE) <> {value})"
    return Cast(column, value, is_wrong)


def _time(column: str, actual: str, source_zone: str, zone: str) -> Cast:
    name = quoted(column)
    site = literal(zone)

    def local(naive: str) -> str:
        return (
            naive if source_zone == zone else f"timezone({site}, timezone({literal(source_zone)}, {naive}))"
        )

    if actual == "TIMESTAMP WITH TIME ZONE":
        return Cast(column, f"timezone({site}, {name})")
    if actual != "VARCHAR":
        value = local(name if actual == "TIMESTAMP" else f"try_cast({name} AS TIMESTAMP)")
        return Cast(
            column, value, None if actual == "TIMESTAMP" else f"({name} IS NOT NULL AND {value} IS NULL)"
        )
    given = f"nullif(trim({name}), '')"
    # Without this an offset in the text would be turned into UTC in silence.
    value = (
        f"CASE WHEN regexp_matches({given}, {literal(_OFFSET)}) "
        f"THEN timezone({site}, try_cast({given} AS TIMESTAMPTZ)) "
        f"ELSE {local(f'try_cast({given} AS TIMESTAMP)')} END"
    )
    return Cast(column, value, f"({given} IS NOT NULL AND ({value}) IS NULL)")
