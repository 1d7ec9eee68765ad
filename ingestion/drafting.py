"""A source's declaration and staging, drafted from what was found: valid as they stand, marked where a person decides.

Nothing that the source holds is written in clear: of values only their shapes, as comments.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from ingestion.found import Found
from ingestion.guessing import chosen
from ingestion.naming import plain_name
from ingestion.recognising import ENOUGH, ITEM_TYPES, ITEMS, Field, Kind, Match, kinds, recognise
from wangting.site import Site

TO_CHECK = "待核对"
_WIDE = 110


@dataclass(frozen=True)
class About:
    """What a person says of the source, and the tables cannot tell."""

    name: str
    title: str
    owner: str
    connect: str
    url: str
    zone: str
    system: str | None = None
    token: str | None = None


def written(text: object) -> str:
    """A value as YAML writes it on one line."""
    return (
        yaml.safe_dump(text, allow_unicode=True, width=10**6, default_flow_style=True)
        .removesuffix("\n...\n")
        .strip()
    )


def source_file(about: About, tables: Sequence[Found]) -> str:
    """The text of source.yml."""
    is_files = about.connect in ("files", "http")
    lines = [
        f"# 由 wangting source new 起草：凡写着「{TO_CHECK}」的地方请人工确认后改去。",
        "# 列后的注释是来源的说明与值的样子（已遮盖）。",
        f"title: {written(about.title)}",
        f"owner: {written(about.owner)}",
        *([f"system: {about.system}"] if about.system else []),
        f"connect: {about.connect}",
        f"url: {about.url}",
    ]
    if about.token:
        own = re.sub(r"[^A-Z0-9]", "_", about.name.upper())
        lines.append(
            f'token: {{path: {written(about.token)}, client_id: "${{{own}_CLIENT_ID}}", '
            f'client_secret: "${{{own}_CLIENT_SECRET}}"}}'
        )
    lines += [
        f"zone: {about.zone}",
        f"schedule: {'every 1 day' if is_files else 'every 1 hour'}   # {TO_CHECK}：多久抽取一次",
        f"silent_after: {40 if is_files else 16} working hours   # {TO_CHECK}：多少工作小时没有新数据算沉默",
        "tables:",
    ]
    for found in tables:
        lines += _table(found, is_files)
    return "\n".join(lines) + "\n"


def _table(found: Found, is_files: bool) -> list[str]:
    lines = [f"  {found.name}:", f"    title: {written(found.title or found.name)}"]
    counted = "" if found.rows is None else f"共 {found.rows} 行，"
    lines.append(f"    # {counted}看了 {found.looked_at} 行")
    lines += [f"    # {TO_CHECK}：{note}" for note in found.notes]
    key, why = found.key, ""
    if not key:
        key = ["_file", "_file_row"] if is_files else [column.name for column in found.columns]
        why = f"   # {TO_CHECK}：没有找到主键"
    lines.append(f"    key: {written(key)}{why}")
    best = found.cursors[0] if found.cursors else None
    cursor = chosen(found.cursors)
    if cursor:
        lines += [
            f"    cursor: {written(cursor)}   # {found.cursors[0].why}",
            f"    lag: 10 minutes   # {TO_CHECK}：迟到的提交最多晚多久",
        ]
    elif best and not is_files:
        lines.append(f"    # {TO_CHECK}：没有可靠的游标，每次抽取全表；最像的是 {best.column}（{best.why}）")
    for other in found.cursors:
        if other.column != cursor and other is not best:
            lines.append(f"    # 其他时间列：{other.column}（{other.why}）")
    for name, value in found.options.items():
        lines.append(f"    {name}: {written(value)}")
    lines.append("    columns:")
    for column in found.columns:
        told = "；".join(filter(None, [re.sub(r"\s+", " ", column.title), "、".join(column.sample)]))
        plain = f"      {written(column.name)}: {_kind(column.kind)}"
        lines.append(f"{plain}   # {told}" if told else plain)
    return [line if len(line) <= _WIDE * 3 else line[: _WIDE * 3] for line in lines]


def _kind(kind: str) -> str:
    return f'"{kind}"' if "(" in kind else kind


# ---- staging ---------------------------------------------------------------------------------------------------------


def staging_files(about: About, tables: Sequence[Found]) -> dict[str, str]:
    """File name → text of the staging models that the tables seem to need; sql and yml in pairs."""
    files: dict[str, str] = {}
    for found in tables:
        kinds_here = recognised(found)
        made = [each for each in kinds_here if each.share >= ENOUGH]
        if any(each.kind == "items" for each in made[:1]):
            made = made[:1]
        else:
            made = [each for each in made if each.kind != "items"]
        for kind in made:
            stem = f"stg_{about.name}__{kind.kind}"
            if f"{stem}.sql" in files:  # two tables of one kind: the likelier one has it
                continue
            files[f"{stem}.sql"] = (
                _items(about, found, kind) if kind.kind == "items" else _records(about, found, kind)
            )
            files[f"{stem}.yml"] = _described(
                stem,
                f"{kind.title}，取自{about.title}。One row per {kind.kind[:-1].replace('_', ' ')} and load.",
            )
        if not made:
            entity = re.sub(r"[^a-z_]", "", plain_name(found.name)) or "rows"
            stem = f"stg_{about.name}__{entity}"
            files[f"{stem}.sql"] = _plain(about, found)
            files[f"{stem}.yml"] = _described(
                stem, f"{found.title or found.name}，取自{about.title}。One row per row and load."
            )
    return files


def recognised(found: Found) -> list[Kind]:
    """What the table may be, by what was found."""
    return recognise(
        {column.name: column.title for column in found.columns},
        found.values,
        hint=f"{found.name} {found.title}",
    )


def _described(stem: str, description: str) -> str:
    return f"models:\n  - name: {stem}\n    description: {written(description)}\n"


def _sql(name: str) -> str:
    return f"adapter.quote({name!r})"


def _column(name: str) -> str:
    """A column inside a Jinja expression."""
    return repr(name) if re.fullmatch(r"[a-z_][a-z0-9_]*", name) else _sql(name)


def _pattern(values: Sequence[str]) -> str:
    shape = re.sub(r"\d", "9", values[0].strip()) if values else ""
    sign = "/" if "/" in shape else "-"
    day = f"yyyy{sign}MM{sign}dd"
    if re.search(r"\d*9:99:99", shape):
        return f"{day} HH:mm:ss"
    return f"{day} HH:mm" if ":" in shape else day


def _value(about: About, found: Found, field: Field, match: Match) -> str:
    column = next(each for each in found.columns if each.name == match.column)
    name = _column(match.column)
    if match.field in ("region_code", "jurisdiction_code"):
        return f"region_code({name})"
    if field.type == "time" and column.kind == "string":
        return f"parse_time(filled({name}), '{_pattern(found.values.get(match.column, []))}')"
    if field.codes:
        return f"code('{about.name}', '{field.codes}', {name})"
    return f"filled({name})" if column.kind == "string" and about.connect in ("files", "http") else name


def _records(about: About, found: Found, kind: Kind) -> str:
    fields = {each.name: each for each in kinds()[kind.kind][1]}
    given = {
        name: _value(about, found, fields[name], match)
        for name in fields
        if (match := kind.matches.get(name))
    }
    dated = "file_date" in found.options
    cursor = chosen(found.cursors)
    given["source_record_version"] = "file_version('_file_date')" if dated else "'1'"
    given["source_written_at"] = "'_file_date'" if dated else _column(cursor) if cursor else "'_loaded_at'"
    body = ",\n".join(f"            '{name}': {value}" for name, value in given.items())
    lacks = "、".join(f"{name}（{fields[name].title}）" for name in kind.lacks)
    why = "".join(
        f"-- {match.column} → {match.field}：{match.why}\n"
        for match in kind.matches.values()
        if match.certainty < 3
    )
    stage = next((m.column for n, m in kind.matches.items() if fields[n].type == "time"), None)
    condition = ""
    if stage and kind.kind != "applications":
        condition = f"\n    where {{{{ adapter.quote({stage!r}) }}}} is not null"
    return (
        f"-- {TO_CHECK}：由 wangting source new 按列名起草，逐列核对后删去这一行。\n"
        + (f"-- 必填而没有找到对应列的：{lacks}\n" if lacks else "")
        + why
        + f"with source as (\n    select * from {{{{ source('{about.name}', '{found.name}') }}}}{condition}\n),\n\n"
        f"renamed as (\n    select\n        {{{{ as_kind('{kind.kind}', {{\n{body}\n        }}) }}}}\n"
        "    from source\n)\n\n"
        "select * from renamed\n"
    )


def _items(about: About, found: Found, kind: Kind) -> str:
    lines = []
    for name in ITEMS:
        sql_type = {"int": "int", "boolean": "boolean", "date": "date"}.get(
            ITEM_TYPES.get(name, ""), "string"
        )
        match = kind.matches.get(name)
        if match is None:
            value = "1" if name == "item_version" else "null"
        elif name == "subject":
            value = f"{{{{ code('{about.name}', 'subject', {_column(match.column)}) }}}}"
        elif name == "region_code":
            value = f"{{{{ region_code({_column(match.column)}) }}}}"
        else:
            value = f"{{{{ adapter.quote({match.column!r}) }}}}"
        lines.append(f"        cast({value} as {sql_type}) as {name},")
    cursor = chosen(found.cursors)
    moment = f"{{{{ adapter.quote({cursor!r}) }}}}" if cursor else "_loaded_at"
    lines.append(f"        cast({moment} as timestamp) as source_written_at,")
    body = "\n".join(
        [*lines, "        _source,", "        _load_id,", "        _loaded_at,", "        _row_hash"]
    )
    return (
        f"-- {TO_CHECK}：由 wangting source new 按列名起草，逐列核对后删去这一行。\n"
        f"with source as (\n    select * from {{{{ source('{about.name}', '{found.name}') }}}}\n),\n\n"
        f"renamed as (\n    select\n{body}\n    from source\n)\n\nselect * from renamed\n"
    )


def _plain(about: About, found: Found) -> str:
    body = "\n".join(f"        {{{{ adapter.quote({column.name!r}) }}}}," for column in found.columns)
    return (
        f"-- {TO_CHECK}：看不出是哪一种办件记录，原样取出；改名、定型后删去这一行。\n"
        f"with source as (\n    select * from {{{{ source('{about.name}', '{found.name}') }}}}\n),\n\n"
        f"renamed as (\n    select\n{body}\n"
        "        _source,\n        _load_id,\n        _loaded_at,\n        _row_hash\n"
        "    from source\n)\n\nselect * from renamed\n"
    )


def write(site: Site, about: About, tables: Sequence[Found]) -> list[Path]:
    """Write the drafts into the site's own folder; the files written. A staging model that is there stays as it is."""
    folder = site.path / "sources" / about.name
    folder.mkdir(parents=True, exist_ok=True)
    made = [folder / "source.yml"]
    made[0].write_text(source_file(about, tables), "utf-8")
    staging = site.path / "staging" / about.name
    staging.mkdir(parents=True, exist_ok=True)
    for name, text in staging_files(about, tables).items():
        if not (staging / name).exists():
            (staging / name).write_text(text, "utf-8")
            made.append(staging / name)
    return made
