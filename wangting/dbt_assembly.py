"""Put one lane's dbt project together: the repository's models, the site's staging and seeds, and what both sides
declare as data (sources, exchange fields, code maps, metric definitions) as variables.

Nothing in the folder changes from one run to the next unless a declaration did, so that dbt's partial parse holds; what
does change (the loads of this run, the clock) goes into the lane's file as views and a table instead.
"""

import hashlib
import math
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import time
from pathlib import Path
from typing import Any, Literal

import yaml

from wangting import clock, context_columns, declared, glossary, settings, site_folders, working_time
from wangting import specification as layers
from wangting.errors import WangtingError
from wangting.site import Site
from wangting.source_spec import Source

Lane = Literal["exchange", "warehouse"]

PROJECT = settings.REPOSITORY / "dbt_project"
# Kinds of record that are landed and staged, but have no exchange model.
_STAGED_ONLY = frozenset({"materials"})
_STAGING_MODEL = re.compile(r"^stg_(?P<source>.+?)__(?P<kind>[a-z_]+)$")
_SOURCE_CALL = re.compile(r"source\(\s*'([^']+)'\s*,\s*'([^']+)'\s*\)")
LINEAGE = {
    "_source": "string",
    "_table": "string",
    "_load_id": "string",
    "_loaded_at": "timestamp",
    "_row_hash": "bigint",
    "_is_deleted": "boolean",
}
FILE_LINEAGE = {"_file": "string", "_file_row": "bigint", "_file_date": "date"}


@dataclass(frozen=True)
class Assembly:
    """A lane's dbt project on disk.

    Attributes:
        folder: where it lies.
        fingerprint: a hash of everything that decides what the models mean.
        rule_version: a hash of the specification alone, as the exchange records' context carries it.
        earliest: the first date that the specification takes, as ISO text.
        tables: the (source, table) pairs whose rows reach a model behind staging.
        case_tables: those of them whose rows are of cases.
        kind_tables: kind → those of them whose rows are of a kind that is no part of a case (licences, registers …).
    """

    folder: Path
    fingerprint: str
    rule_version: str
    earliest: str
    tables: frozenset[tuple[str, str]]
    case_tables: frozenset[tuple[str, str]]
    kind_tables: dict[str, frozenset[tuple[str, str]]]


def lane_file(lane: Lane, name: str | None = None, *, aside: bool = False) -> Path:
    """A lane's database file: lanes/<lane>/<lane>.duckdb, or another `name` beside it.

    Args:
        aside: the file in which the same models are built once over other loads (`wangting.past`), not the lane's own.
    """
    return settings.home() / "lanes" / ("aside" if aside else lane) / f"{name or lane}.duckdb"


def assemble(lane: Lane, site: Site, *, aside: bool = False) -> Assembly:
    """Write the lane's project folder (only what differs) and say what it amounts to.

    Args:
        aside: in a folder of its own, for the lane's file aside.

    Raises:
        WangtingError: a staging model, seed or declaration that does not fit, with its file.
    """
    folder = settings.home() / "dbt" / ("aside" if aside else lane)
    (folder / "sources").mkdir(parents=True, exist_ok=True)
    for name in ("models", "macros", "tests"):
        _link(folder / name, PROJECT / name)
    # A seed of the site's own under the name of one of the product's stands in its place.
    product = {path.name: path for path in sorted((PROJECT / "seeds" / "product").iterdir())}
    seeds = site.folders.seeds
    if (folder / "seeds").is_symlink():  # as an earlier version made it
        (folder / "seeds").unlink()
    _links(folder / "seeds" / "product", {name: seeds.get(name, path) for name, path in product.items()})
    _links(folder / "site_seeds", {name: path for name, path in seeds.items() if name not in product})
    _links(
        folder / "staging",
        {
            f"{name}/{file.relative_to(of_source).as_posix()}": file
            for name, of_source in site.folders.staging.items()
            for file in _below(of_source)
        },
    )
    specification = _specification(site)
    models = staged(site)
    project = _yaml(PROJECT / "dbt_project.yml")
    project["vars"] = {
        "staged": {kind: [path.stem for path in paths] for kind, paths in models.items()},
        "division": site.division,
        "plan": site.plan,
        "precedence": site.precedence,
        "code_maps": site_folders.code_maps(site.folders),
        "region_aliases": _region_aliases(site),
        "metric_grains": _yaml(PROJECT / "metric_grains.yml"),
        "metric_definitions": [_yaml(path) for path in sorted((PROJECT / "metrics").glob("*.yml"))],
        "record_kinds": specification["record_kinds"],
        "exchange_fields": specification["exchange_fields"],
        "site_channels": specification["site_channels"],
        "fillers": specification["fillers"],
        "office_hours": [[_seconds(opens), _seconds(closes)] for opens, closes in working_time.OFFICE],
        "numbered_sources": [
            source.name
            for source in site.sources
            if any(table.running_number for table in source.tables.values())
        ],
        **specification["context"],
    }
    _write(folder / "dbt_project.yml", project)
    _write(folder / "sources" / "sources.yml", _sources(site))
    _write_text(folder / "sources" / "glossary.md", glossary.doc_blocks())
    _write(folder / "profiles.yml", _profile(lane, aside))
    fingerprint = hashlib.sha256()
    for path in _meaning(folder):
        fingerprint.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    # A rule alone changes no table but the context that held records are presented again by.
    fingerprint.update(f"{specification['rule_version']} {specification['earliest']}".encode())
    case_tables = _tables_of(models, set(specification["record_kinds"]) - _STAGED_ONLY)
    kind_tables = {
        kind: _tables_of(models, {kind})
        for kind in sorted(models)
        if lane == "warehouse" and f"int_{kind}_latest" in _model_names()
    }
    return Assembly(
        folder,
        fingerprint.hexdigest(),
        specification["rule_version"],
        specification["earliest"],
        case_tables.union(_tables_of(models, {"items"}), *kind_tables.values()),
        case_tables,
        kind_tables,
    )


def _model_names() -> frozenset[str]:
    """The names of the repository's own models."""
    return frozenset(path.stem for path in (PROJECT / "models").rglob("*.sql"))


def _seconds(of_day: time) -> int:
    return of_day.hour * 3600 + of_day.minute * 60 + of_day.second


def _tables_of(models: dict[str, list[Path]], kinds: set[str]) -> frozenset[tuple[str, str]]:
    """The (source, table) pairs that the staging models of these kinds read."""
    return frozenset(
        (match[1], match[2])
        for kind in kinds
        for path in models.get(kind, [])
        for match in _SOURCE_CALL.finditer(path.read_text("utf-8"))
    )


def _meaning(folder: Path) -> Iterator[Path]:
    """Every file that decides what a table holds; tests and descriptions of the profile do not."""
    yield folder / "dbt_project.yml"
    yield folder / "sources" / "sources.yml"
    for name, endings in (
        ("models", {".sql"}),
        ("staging", {".sql"}),
        ("macros", {".sql"}),
        ("seeds", {".csv"}),
        ("site_seeds", {".csv"}),
    ):
        yield from sorted(path for path in _below(folder / name) if path.suffix in endings)


def _below(folder: Path) -> Iterator[Path]:
    """The files in a folder and its subfolders, through links as well."""
    for at, _, names in os.walk(folder, followlinks=True):
        yield from (Path(at) / name for name in names)


def _links(folder: Path, wanted: dict[str, Path]) -> None:
    """Make `folder` hold a link to each of the files in `wanted` (path below it → file), and nothing else.

    The folders themselves are real: dbt follows links to files only.
    """
    if folder.is_symlink():  # as an earlier version made it
        folder.unlink()
    folder.mkdir(parents=True, exist_ok=True)
    # Never through a link to a folder: what is written or removed behind it would be the site's own files.
    for at, folders, files in os.walk(folder):
        for path in [Path(at) / name for name in (*folders, *files)]:
            is_wanted = path.relative_to(folder).as_posix() in wanted
            if path.is_symlink() and (path.is_dir() or not is_wanted):
                path.unlink()
    for name, target in wanted.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        _link(folder / name, target)


def _link(link: Path, target: Path) -> None:
    if link.is_symlink() and link.readlink() == target:
        return
    if link.is_dir() and not link.is_symlink():
        link.rmdir()
    link.unlink(missing_ok=True)
    link.symlink_to(target, target_is_directory=True)


def _write(path: Path, content: Any) -> None:
    # libyaml's writer, where it is there, takes a tenth of the time.
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    _write_text(path, yaml.dump(content, Dumper=dumper, allow_unicode=True, sort_keys=False, width=110))


def _write_text(path: Path, text: str) -> None:
    if not path.is_file() or path.read_text("utf-8") != text:
        path.write_text(text, "utf-8")


def _yaml(path: Path) -> dict[str, Any]:
    content, _ = declared.read(path)
    if not isinstance(content, dict):
        raise WangtingError(
            "文件内容应当是「名称: 值」的形式", place=str(path), mend="参照同目录其他文件改写"
        )
    return content


def _specification(site: Site) -> dict[str, Any]:
    """The exchange specification as the models need it: fields, keys and business times in our names."""
    override = site.specification_override
    version = layers.chosen(override, clock.today())
    sheets = layers.read(version)
    changes = _yaml(override) if override else {}
    digest = hashlib.sha256()
    fields: dict[str, list[list[str]]] = {}
    kinds: dict[str, dict[str, Any]] = {}
    records: dict[str, dict[str, Any]] = {}
    for path in [*layers.files(version), *([override] if override else [])]:
        digest.update(path.read_bytes())
    for file, sheet in sheets.items():
        record = sheet.content
        if not file.startswith("ex_gdbs_"):
            continue
        if record.get("exchanged") is False and record.get("kind") not in _STAGED_ONLY:
            continue
        name = str(record["record"])
        records[name] = record
        names = {official: str(field["name"]) for official, field in record["fields"].items()}
        key = (changes.get("keys", {}).get(name) or {}).get("value") or record["key"]
        try:
            fields[name] = [
                [official, names[official], str(field["type"])]
                for official, field in record["fields"].items()
            ]
            kinds[str(record["kind"])] = {
                "record": name,
                "key": [names[official] for official in key],
                "business_time": names.get(record.get("business_time", ""), ""),
            }
        except KeyError as error:
            raise WangtingError(
                f"缺少 {error.args[0]} 的定义", place=sheet.where(()), mend="在该规范文件中补上"
            ) from error
    general = sheets[layers.GENERAL].content
    earliest = (changes.get("earliest_date") or {}).get("value", general.get("earliest_date"))
    channels = (changes.get("codes") or {}).get("channel") or {}
    order = ["applications", *(kind for kind in kinds if kind != "applications")]
    return {
        "exchange_fields": fields,
        "record_kinds": {kind: kinds[kind] for kind in order},
        "rule_version": f"{version.name}.{digest.hexdigest()[:12]}",
        "earliest": str(earliest),
        "fillers": sheets["specification.yml"].content["fillers"],
        "context": context_columns.variables(sheets["context.yml"].content, records, changes),
        "site_channels": {str(code): str(added["title"]) for code, added in channels.items()},
    }


def source_calls(sql: str) -> list[tuple[str, str]]:
    """The (source, table) pairs that a model reads."""
    return [(source, table) for source, table in _SOURCE_CALL.findall(sql)]


def staged(site: Site) -> dict[str, list[Path]]:
    """The site's staging models by the kind of what they stage.

    Raises:
        WangtingError: a model under a wrong name, in no source's folder, or of a table that nobody declares.
    """
    found: dict[str, list[Path]] = {}
    sources = {source.name: source for source in site.sources}
    for path in [
        file for folder in site.folders.chain for file in sorted((folder / "staging").glob("*.sql"))
    ]:
        raise WangtingError(
            "暂存模型应放在来源自己的目录中", place=str(path), mend="移到 staging/<来源>/ 之下"
        )
    for path in sorted(path for folder in site.folders.staging.values() for path in folder.rglob("*.sql")):
        match = _STAGING_MODEL.match(path.stem)
        if match is None or match["source"] not in sources:
            raise WangtingError(
                "暂存模型的文件名应为 stg_<来源>__<种类>.sql，且来源在 sources/ 中",
                place=str(path),
                mend="改正文件名",
            )
        for source, table in _SOURCE_CALL.findall(path.read_text("utf-8")):
            if source not in sources or table not in sources[source].tables:
                raise WangtingError(
                    f"引用了没有声明的表 {source}.{table}",
                    place=str(path),
                    mend=f"改正引用，或在 sources/{source}/source.yml 中声明该表",
                )
        found.setdefault(match["kind"], []).append(path)
    return found


def _region_aliases(site: Site) -> dict[str, str]:
    """Local region codes without statutory standing → the code that the province knows."""
    return {
        row["region_code"]: row["statutory_code"]
        for row in site.seed("regions.csv")
        if row["statutory_code"] and row["statutory_code"] != row["region_code"]
    }


def _sources(site: Site) -> dict[str, Any]:
    """dbt's source file, from the site's source declarations."""
    described: list[dict[str, Any]] = [
        {
            "name": source.name,
            "schema": "landing",
            "description": f"{source.title}（{source.owner}）",
            "tables": [
                {
                    "name": name,
                    "identifier": f"{source.name}__{name}",
                    "description": table.title,
                    "config": _freshness(source, name),
                }
                for name, table in source.tables.items()
            ],
        }
        for source in site.sources
    ]
    run = {
        "name": "run",
        "schema": "run",
        "description": "本次构建的时点与方式",
        "tables": [
            {"name": "context", "description": "本次构建。One row."},
            {
                "name": "frozen_values",
                "description": "已冻结各月的数字，原样。One row per figure and frozen month.",
            },
            {"name": "removed_cases", "description": "来源删除过记录的办件，本次重新计算。One row per case."},
            {
                "name": "whole_kinds",
                "description": "来源删除过记录的种类，本次从全部到达数据重新计算。One row per model.",
            },
        ],
    }
    return {"sources": [*described, run]}


def _freshness(source: Source, table: str) -> dict[str, Any]:
    """After how long without news `dbt source freshness` warns: `silent_after` in calendar time, as dbt knows no
    office hours (6.5 a day, five days a week). `wangting sources` counts the real ones."""
    days = math.ceil(source.silent_hours / 6.5) * 7 / 5
    return {
        "freshness": {"warn_after": {"count": math.ceil(days * 24), "period": "hour"}, "error_after": None},
        # The views show the loads of one run only; this table has the last one of each.
        "loaded_at_query": "select max(loaded_at) from run.last_loads where source_name = "
        f"'{source.name}' and table_name = '{table}'",
    }


def _profile(lane: Lane, aside: bool) -> dict[str, Any]:
    home = settings.home()
    target: dict[str, Any] = {
        "type": "duckdb",
        "path": str(lane_file(lane, aside=aside)),
        "schema": "main",
        "threads": 2,
        "config_options": {
            "threads": 2,
            "memory_limit": settings.memory_limit(),
            "temp_directory": str(home / "spill"),
            "preserve_insertion_order": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            # Of the ways to pack text the one that costs least to write at the same size.
            "force_compression": "dict_fsst",
        },
    }
    if lane == "warehouse":
        target["attach"] = [{"path": str(lane_file(lane, "marts", aside=aside)), "alias": "marts"}]
        target["plugins"] = [{"module": "wangting.dbt_functions"}]
    return {"wangting": {"target": lane, "outputs": {lane: target}}}
