"""How what has landed is read: which files of the ledger, which loads of a merged file, and what deletes leave of it.

A row that is gone at its source lands as a row of its own: its key, nothing else, and `_is_deleted`. It hides every row
of that key that landed before it; one that lands later is the record come back.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlalchemy import func, select

from wangting import engine, ledger, settings
from wangting.ledger_landing import landing_files, loads
from wangting.source_spec import Table


@dataclass(frozen=True)
class Landed:
    """Some committed loads of one table.

    Attributes:
        loads: load_id → its place in the order of commit.
        whole: files all of whose rows are meant.
        parts: merged files of whose rows only those of `loads` are meant.
        is_deleting: whether one of the loads says that rows are gone.
    """

    loads: Mapping[str, int] = field(default_factory=dict)
    whole: tuple[Path, ...] = ()
    parts: tuple[Path, ...] = ()
    is_deleting: bool = False

    @property
    def files(self) -> tuple[Path, ...]:
        """Every file that has to be opened."""
        return self.whole + self.parts

    def __bool__(self) -> bool:
        return bool(self.loads)


def landed(
    source: str,
    table: str,
    *,
    above: int = 0,
    up_to: int | None = None,
    only: Iterable[str] | None = None,
    reaching: str | None = None,
    until: datetime | None = None,
) -> Landed:
    """The committed loads with `above < commit_seq <= up_to`.

    Args:
        only: of these, the loads with these ids.
        reaching: of these, the loads that may hold rows with a cursor from this one on (as the ledger writes it).
        until: of these, the loads that had landed at this moment.
    """
    query = select(loads.c.load_id, loads.c.commit_seq, loads.c.path, loads.c.deleted).where(
        loads.c.source == source,
        loads.c.table_name == table,
        loads.c.state == "committed",
        loads.c.commit_seq > above,
    )
    if up_to is not None:
        query = query.where(loads.c.commit_seq <= up_to)
    if until is not None:
        query = query.where(loads.c.loaded_at <= until)
    if reaching is not None:
        query = query.where(func.coalesce(loads.c.cursor_high, loads.c.window_high) >= reaching)
    found = ledger.rows(query.order_by(loads.c.commit_seq))
    if only is not None:
        wanted = set(only)
        found = [row for row in found if row["load_id"] in wanted]
    if not found:
        return Landed()
    meant: dict[str, int] = {}
    for row in found:
        meant[row["path"]] = meant.get(row["path"], 0) + 1
    holds = _merged(source, table)
    whole: list[Path] = []
    parts: list[Path] = []
    for path, number in meant.items():
        (whole if holds.get(path, number) == number else parts).append(settings.home() / path)
    return Landed(
        {row["load_id"]: int(row["commit_seq"]) for row in found},
        tuple(whole),
        tuple(parts),
        any(row["deleted"] for row in found),
    )


def _merged(source: str, table: str) -> dict[str, int]:
    """The table's merged files, and of how many loads each was made."""
    merged = select(landing_files.c.path).where(
        landing_files.c.source == source,
        landing_files.c.table_name == table,
        landing_files.c.state == "merged",
    )
    query = (
        select(loads.c.path, func.count().label("number"))
        .where(loads.c.source == source, loads.c.table_name == table, loads.c.path.in_(merged))
        .group_by(loads.c.path)
    )
    return {row["path"]: int(row["number"]) for row in ledger.rows(query)}


def paths(source: str, table: str) -> list[Path]:
    """The files that hold all that has landed of a table, each once."""
    return list(landed(source, table).files)


def relation(rows: Landed) -> str:
    """SQL of all rows, those that say that something is gone too; must not be asked for where there are no loads."""
    read = "select * from read_parquet({}, union_by_name = true, hive_partitioning = false)"
    branches = []
    if rows.whole:
        branches.append(read.format(engine.file_list(list(rows.whole))))
    if rows.parts:
        ids = ", ".join(map(engine.literal, rows.loads))
        branches.append(read.format(engine.file_list(list(rows.parts))) + f" where _load_id in ({ids})")
    # Old files have not the column.
    branches.append("select cast(null as boolean) as _is_deleted where false")
    return f"({' union all by name '.join(branches)})"


def order(rows: Landed) -> str:
    """SQL of the loads' order: columns load_id and _commit_seq (a name that no source has)."""
    return engine.given({"load_id": "VARCHAR", "_commit_seq": "BIGINT"}, rows.loads.items())


def place(table: Table, rows: str) -> str:
    """SQL of a row's place in the order of landing; of several files in one load, the later one's rows are later."""
    if table.pattern is None:
        return f"{{'s': {rows}._commit_seq}}"
    return (
        f"{{'s': {rows}._commit_seq, 'd': coalesce(cast({rows}._file_date as varchar), ''), "
        f"'f': coalesce({rows}._file, '')}}"
    )


def gone(table: Table, rows: Landed) -> str:
    """SQL of the keys that were ever told to be gone, and the place of the last time: columns of the key, `gone_at`."""
    keys = ", ".join(f"told.{quoted(name)}" for name in table.key)
    return (
        f"(select {keys}, max({place(table, 'told')}) as gone_at from (select told.*, loads._commit_seq "
        f"from {relation(rows)} as told join {order(rows)} as loads on told._load_id = loads.load_id "
        f"where told._is_deleted) as told group by {keys})"
    )


def surviving(table: Table, rows: Landed) -> str:
    """SQL of the rows that no later load told to be gone, without those that tell it."""
    if not rows.is_deleting:
        return relation(rows)
    same = " and ".join(f"here.{quoted(name)} = gone.{quoted(name)}" for name in table.key)
    return (
        f"(select here.* exclude (_commit_seq) from (select here.*, loads._commit_seq from {relation(rows)} as here "
        f"join {order(rows)} as loads on here._load_id = loads.load_id) as here "
        f"left join {gone(table, rows)} as gone on {same} "
        f"where here._is_deleted is not true and (gone.gone_at is null or gone.gone_at < {place(table, 'here')}))"
    )


def quoted(name: str) -> str:
    """A column's name in SQL."""
    return '"' + name.replace('"', '""') + '"'
