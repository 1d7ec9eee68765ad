"""What would land, if a source were pulled now? Its connector is asked as in a first load; nothing is landed or noted.

What it would bring is counted and held against the declaration; the staging models are held against the record kinds.
"""

import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from ingestion.columns import Cast, cast, compare, quoted
from ingestion.connecting import Connector, Extract, UnreachableError, connector, place
from ingestion.guessing import samples
from ingestion.recognising import ENOUGH, kinds, recognise
from ingestion.windows import Load
from wangting import clock, engine
from wangting.errors import WangtingError
from wangting.site import Site
from wangting.source_spec import DATABASES, Source

_LOOKED_AT = 200  # values of a column by which it is recognised
_CALL = re.compile(r"(?:as_kind|from_official)\(\s*'(\w+)'")
_GIVEN = re.compile(r"'(\w+)'\s*:")
_LACKS = re.compile(r"lacks\s*=\s*\[([^\]]*)\]")
_OWN = re.compile(r"source\(\s*'([^']+)'\s*,\s*'([^']+)'\s*\)")


@dataclass
class Tried:
    """What came of one table.

    Attributes:
        rows: how many would land. newest: the latest cursor; None: the table has none, or no rows.
        columns: name, declared type, the source's type, how many are filled, masked sample.
        problems: what would keep the table, or files of it, from landing. warnings: what deserves a look.
        kinds: what it may be: kind, title, share, the column for each field and why, required fields without one.
        staging: its staging models: name, kind, required fields that it leaves empty.
    """

    table: str
    title: str
    rows: int | None = None
    newest: str | None = None
    columns: list[dict[str, Any]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    kinds: list[dict[str, Any]] = field(default_factory=list)
    staging: list[dict[str, Any]] = field(default_factory=list)

    def summary(self) -> dict[str, Any]:
        """The same as plain values, for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class _Trial(Load):
    """A load that leaves nothing behind: its raw pages and files go into a folder that is removed again."""

    folder: Path = Path()

    @property
    def raw(self) -> Path:
        return self.folder / self.name / "raw"

    @property
    def path(self) -> Path:
        return self.folder / self.name / "landed.parquet"


def try_source(source: Source, site: Site) -> list[Tried]:
    """Ask for every table of the source; a table that fails says why, the others go on."""
    asked = connector(source)
    refused: UnreachableError | None = None
    found: list[Tried] = []
    comments = _comments(source)
    try:
        with tempfile.TemporaryDirectory(prefix="wangting-") as folder:
            for name in source.tables:
                tried = Tried(name, source.tables[name].title)
                found.append(tried)
                try:
                    if refused is not None:
                        raise refused
                    _try(asked, source, site, tried, Path(folder), comments)
                except WangtingError as error:
                    refused = error if isinstance(error, UnreachableError) else refused
                    tried.problems.append(str(error))
                tried.staging = staged(source, name, site)
                if not tried.staging:
                    tried.warnings.append(
                        f"没有暂存模型：staging/{source.name}/ 下还没有引用本表的 stg_{source.name}__<种类>.sql"
                    )
                for model in tried.staging:
                    if model["lacks"]:
                        lacks = "、".join(model["lacks"])
                        tried.warnings.append(f"暂存模型 {model['model']} 没有给出必填的 {lacks}")
                    if model["is_draft"]:
                        tried.warnings.append(f"暂存模型 {model['model']} 仍写着「待核对」")
    finally:
        asked.close()
    return found


def _try(
    asked: Connector,
    source: Source,
    site: Site,
    tried: Tried,
    folder: Path,
    comments: Mapping[str, dict[str, str]],
) -> None:
    moment = clock.now()
    trial = _Trial("trial", source, tried.table, None, moment, moment.date(), folder=folder)
    trial.raw.mkdir(parents=True)
    with engine.connect() as connection:
        try:
            extract = asked.extract(connection, trial)
            _count(connection, source, site, tried, extract, comments)
        except duckdb.Error as error:
            from ingestion.databases import Database

            if isinstance(asked, Database):
                raise asked.explained(error, tried.table) from None
            raise WangtingError(
                f"读取失败（{str(error).splitlines()[0]}）",
                place=place(source, tried.table),
                mend="检查来源后再试",
            ) from None


def _count(
    connection: duckdb.DuckDBPyConnection,
    source: Source,
    site: Site,
    tried: Tried,
    extract: Extract,
    comments: Mapping[str, dict[str, str]],
) -> None:
    table = source.tables[tried.table]
    tried.problems += extract.errors
    tried.warnings += [str(getattr(warning, "text", warning)) for warning in extract.warnings]
    missing, new = compare(table.columns, extract.present)
    new = [name for name in new if name not in extract.lineage]
    if missing:
        tried.problems.append(f"来源缺少列 {'、'.join(missing)}；请来源恢复，或在 source.yml 中改正 columns")
    if new:
        tried.warnings.append(f"来源多出未声明的列 {'、'.join(new)}；请在 source.yml 中声明")
    there = {name: kind for name, kind in table.columns.items() if name in extract.present}
    casts = {
        name: cast(name, kind, extract.present[name], source_zone=source.zone, zone=site.zone)
        for name, kind in there.items()
    } | {name: Cast(name, quoted(name)) for name in new}
    wrong = [f"count(*) FILTER (WHERE {one.is_wrong or 'false'})" for one in casts.values()]
    filled = [f"count({quoted(one.column)})" for one in casts.values()]
    newest = casts[table.cursor].value if table.cursor in casts else "NULL"
    # In one pass: some answers are streams that can be read once only.
    totals = connection.execute(
        f"SELECT count(*), max({newest}), {', '.join([*wrong, *filled]) or 'NULL'} FROM {extract.relation}"
    ).fetchone()
    assert totals is not None  # an aggregate has a row
    tried.rows, tried.newest = int(totals[0]), None if totals[1] is None else str(totals[1])
    values = _values(connection, extract, list(casts))
    for place_of, name in enumerate(casts):
        bad, given = int(totals[2 + place_of]), int(totals[2 + len(casts) + place_of])
        declared = there.get(name)
        tried.columns.append(
            {
                "column": name,
                "declared": declared,
                "source_type": extract.present[name],
                "filled": given,
                "sample": samples(values[name]),
            }
        )
        if bad:
            tried.problems.append(
                f"列 {name} 声明为 {declared}，有 {bad} 个值不是；请来源更正，或在 source.yml 中改正类型"
            )
    _key(connection, source, tried, extract)
    titles = dict.fromkeys(casts, "") | comments.get(tried.table, {})
    tried.kinds = [
        {
            "kind": each.kind,
            "title": each.title,
            "share": each.share,
            "matches": {name: {"column": m.column, "why": m.why} for name, m in each.matches.items()},
            "lacks": each.lacks,
        }
        for each in recognise(titles, values, hint=f"{tried.table} {tried.title}")
        if each.share >= ENOUGH / 2
    ]


def _comments(source: Source) -> dict[str, dict[str, str]]:
    """Table → column → the source's own comment; nothing where it cannot say: the trial itself tells why."""
    if source.connect not in DATABASES:
        return {}
    from ingestion import finding_databases

    try:
        return finding_databases.comments(source)
    except WangtingError:
        return {}


def _values(
    connection: duckdb.DuckDBPyConnection, extract: Extract, columns: Sequence[str]
) -> dict[str, list[str]]:
    if not columns:
        return {}
    texts = ", ".join(f"CAST({quoted(name)} AS VARCHAR)" for name in columns)
    rows = connection.execute(f"SELECT {texts} FROM {extract.relation} LIMIT {_LOOKED_AT}").fetchall()
    return {name: [str(row[n]) for row in rows if row[n] is not None] for n, name in enumerate(columns)}


def _key(connection: duckdb.DuckDBPyConnection, source: Source, tried: Tried, extract: Extract) -> None:
    table = source.tables[tried.table]
    names = [name for name in table.key if name in extract.present or name in extract.lineage]
    if len(names) < len(table.key) or not tried.rows:
        return
    listed = ", ".join(map(quoted, names))
    empty = " OR ".join(f"{quoted(name)} IS NULL" for name in names)
    found = connection.execute(
        f"SELECT count(*) FILTER (WHERE {empty}), count(*) - count(DISTINCT ({listed})) FROM {extract.relation}"
    ).fetchone()
    assert found is not None
    if found[0]:
        tried.warnings.append(
            f"有 {found[0]} 行的键 {'、'.join(names)} 有空值；没有流水号或编码的行只留在落地层"
        )
    if found[1] and not table.cursor and not extract.lineage:
        tried.warnings.append(
            f"键 {'、'.join(names)} 有 {found[1]} 行重复；同一键的行只有最后一行算数，请核对 key"
        )


def staged(source: Source, table: str, site: Site) -> list[dict[str, Any]]:
    """The staging models of a table: model, kind, whether it is still a draft, required fields that it leaves empty."""
    required = {kind: [one for one in fields if one.is_required] for kind, (_, fields) in kinds().items()}
    found: list[dict[str, Any]] = []
    for folder in site.folders.staging.values():
        for file in sorted(folder.rglob("*.sql")):
            text = file.read_text("utf-8")
            if (source.name, table) not in _OWN.findall(text):
                continue
            kind = file.stem.rpartition("__")[2]
            call = _CALL.search(text)
            lacks = _lacking(text, required.get(kind, [])) if call else []
            found.append(
                {
                    "model": file.stem,
                    "kind": kind,
                    "is_draft": "待核对" in text,
                    "lacks": lacks,
                    "file": str(file),
                }
            )
    return found


def _lacking(text: str, required: Sequence[Any]) -> list[str]:
    if "from_official" in text:
        lacks = _LACKS.search(text)
        named = set(re.findall(r"'(\w+)'", lacks[1])) if lacks else set()
        return [f"{one.name}（{one.title}）" for one in required if one.code in named]
    given = set(_GIVEN.findall(text))
    return [f"{one.name}（{one.title}）" for one in required if one.name not in given]


def is_sound(tried: Sequence[Tried]) -> bool:
    """Whether everything would land."""
    return not any(each.problems for each in tried)


def told(tried: Mapping[str, Any]) -> list[str]:
    """A table's problems, warnings and what it may be, a sentence each, for people."""
    said = [f"错误：{tried['table']}：{text}" for text in tried["problems"]]
    said += [f"提醒：{tried['table']}：{text}" for text in tried["warnings"]]
    for kind in tried["kinds"][:3]:
        pairs = "、".join(f"{match['column']}→{name}" for name, match in kind["matches"].items())
        lacks = f"；必填而没有对应列的：{'、'.join(kind['lacks'])}" if kind["lacks"] else ""
        said.append(
            f"对应：{tried['table']} 像{kind['title']}（{kind['kind']}，{kind['share']:.0%}）：{pairs}{lacks}"
        )
    return said
