"""What a source promised of a table against what came: remarks, as data, with a sentence each."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import duckdb
from sqlalchemy import func, select

from ingestion.columns import quoted
from wangting import clock, ledger, site_folders, specification, working_time
from wangting.engine import literal
from wangting.errors import WangtingError
from wangting.ledger import loads, remarks
from wangting.site import Site, current_site
from wangting.source_spec import Source, Table

_SHOWN = 20  # unknown codes that are told of one by one
_LONGEST = 20  # characters of a code that are shown: what is longer is no code

# kind → what it is about, in Chinese.
KINDS = {
    "new_column": "多出的列",
    "missing_column": "缺少的列",
    "wrong_type": "类型不符",
    "unknown_code": "未知代码",
    "fill": "填写率偏低",
    "floor": "数量偏少",
    "ahead": "时间超前",
    "no_key": "缺少键",
    "no_cursor": "缺少游标",
    "deleted": "来源已删除",
    "late": "补取的行",
    "refused": "拒绝标记删除",
    "reading": "读取提醒",
}


@dataclass(frozen=True)
class Remark:
    """One thing that deserves a look.

    Attributes:
        kind: one of KINDS. text: a Chinese sentence, without personal values.
        column, value: what it is about; value: a code or a day.
        rows: how many rows it is about. share, wanted: how much there is, and was promised. why: of that number.
    """

    kind: str
    text: str
    column: str | None = None
    value: str | None = None
    rows: int | None = None
    share: float | None = None
    wanted: float | None = None
    why: str | None = None

    def row(self, load_id: str, source: str, table: str) -> dict[str, Any]:
        """The same as a row of the ledger's `remarks`."""
        about = asdict(self)
        about["column_name"] = about.pop("column")
        about |= {"load_id": load_id, "source": source, "table_name": table, "noted_at": clock.now()}
        return about


class BrokenContractError(WangtingError):
    """A promise that stops the table."""

    def __init__(self, message: str, *, place: str, mend: str, remark: Remark) -> None:
        super().__init__(message, place=place, mend=mend)
        self.remark = remark


def of_a_load(
    connection: duckdb.DuckDBPyConnection, source: Source, name: str, file: Path, rows: int
) -> list[Remark]:
    """What the rows of a landed file say of codes and of how much is filled.

    Args:
        rows: how many of them are records, not deletes.
    """
    table = source.tables[name]
    if not rows or not (table.codes or table.filled):
        return []
    found: list[Remark] = []
    read = f"FROM read_parquet({literal(file)}, hive_partitioning = false) WHERE _is_deleted IS NOT TRUE"
    for column, listed in table.codes.items():
        found += _unknown_codes(connection, read, column, listed, _known(current_site(), source.name, listed))
    for column, promised in table.filled.items():
        value = quoted(column)
        filled = connection.execute(
            f"SELECT count(*) FILTER (trim(CAST({value} AS VARCHAR)) <> '') {read}"
        ).fetchone()
        share = int(filled[0]) / rows if filled else 0.0
        if share < promised.share:
            found.append(
                Remark(
                    "fill",
                    f"列 {column} 只填了 {share:.1%}，应不低于 {promised.share:.0%}（{promised.why}）",
                    column=column,
                    rows=rows,
                    share=round(share, 4),
                    wanted=promised.share,
                    why=promised.why,
                )
            )
    return found


def _unknown_codes(
    connection: duckdb.DuckDBPyConnection, read: str, column: str, listed: str, known: frozenset[str]
) -> list[Remark]:
    value = f"trim(CAST({quoted(column)} AS VARCHAR))"
    among = ", ".join(map(literal, sorted(known))) or "NULL"
    counted = connection.execute(
        f"SELECT left({value}, {_LONGEST}) AS code, count(*) {read} AND {value} <> '' "
        f"AND coalesce({value} NOT IN ({among}), true) GROUP BY 1 ORDER BY 2 DESC, 1"
    ).fetchall()
    found = [
        Remark(
            "unknown_code",
            f"列 {column} 的代码「{code}」不在代码表 {listed} 中，有 {count} 行；请在 code_maps.csv 中补上或请来源更正",
            column=column,
            value=str(code),
            rows=int(count),
        )
        for code, count in counted[:_SHOWN]
    ]
    if rest := counted[_SHOWN:]:
        number = sum(int(count) for _, count in rest)
        text = f"列 {column} 另有 {len(rest)} 种代码不在代码表 {listed} 中，共 {number} 行"
        found.append(Remark("unknown_code", text, column=column, rows=number))
    return found


@lru_cache(maxsize=256)
def _known_of(site_path: Path, day: date, source: str, listed: str) -> frozenset[str]:
    site = current_site()
    maps = site_folders.code_maps(site.folders).get(source, {}).get(listed, {})
    version = specification.chosen(site.specification_override, day)
    lists: Mapping[str, Any] = specification.read(version)["code_lists.yml"].content
    official = (lists.get(listed) or {}).get("codes") or {}
    changes: Mapping[str, Any] = {}
    if site.specification_override:
        changes = specification.sheet(site.specification_override).content.get("codes") or {}
    added = changes.get(listed) or {}
    # Where the source has codes of its own, an official one that its map does not name is as good as any other.
    return frozenset(map(str, [*maps, *official, *added]))


def _known(site: Site, source: str, listed: str) -> frozenset[str]:
    """The codes of a list that the site's map for the source, or the exchange specification, knows."""
    return _known_of(site.path, clock.today(), source, listed)


def floor(source: Source, name: str, moment: datetime) -> list[Remark]:
    """Whether fewer rows landed on the last full working day than the declaration's floor; told once a day.

    Args:
        moment: naive, in the site's zone.
    """
    table: Table = source.tables[name]
    if table.floor is None:
        return []
    day = moment.date() - timedelta(days=1)
    while not working_time.is_working_day(day):
        day -= timedelta(days=1)
    here = (loads.c.source == source.name) & (loads.c.table_name == name) & (loads.c.state == "committed")
    began = datetime.combine(day, datetime.min.time())
    first = ledger.rows(select(func.min(loads.c.loaded_at).label("at")).where(here))[0]["at"]
    if first is None or first >= began:
        return []  # that day it was not connected yet, or was landed for the first time
    told = select(remarks.c.remark_id).where(
        remarks.c.source == source.name,
        remarks.c.table_name == name,
        remarks.c.kind == "floor",
        remarks.c.value == day.isoformat(),
    )
    if ledger.rows(told.limit(1)):
        return []
    counted = select(func.sum(loads.c.rows - func.coalesce(loads.c.deleted, 0)).label("n")).where(
        here, loads.c.loaded_at >= began, loads.c.loaded_at < began + timedelta(days=1)
    )
    rows = int(ledger.rows(counted)[0]["n"] or 0)
    wanted = table.floor.rows_per_working_day
    if rows >= wanted:
        return []
    return [
        Remark(
            "floor",
            f"{day:%m-%d} 只到了 {rows} 行，工作日应不少于 {wanted} 行（{table.floor.why}）",
            value=day.isoformat(),
            rows=rows,
            wanted=float(wanted),
            why=table.floor.why,
        )
    ]
