"""What does a site lack, and what in it does not fit? Read from its files and the environment; no system is asked.

An error keeps something from running; a warning deserves a look. Ledger and province need not be reachable.
"""

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Literal

from wangting import dbt_assembly, settings, site_folders, systems
from wangting import specification as layers
from wangting.errors import WangtingError
from wangting.site import Site, at

_SEEDS = settings.REPOSITORY / "dbt_project" / "seeds" / "product"
_VARIABLE = re.compile(r"\$\{[A-Z][A-Z0-9_]*\}")
_COLUMNS = {
    "regions.csv": "region_code,region_name,region_level,parent_code,is_statutory,statutory_code,valid_from,valid_to",
    "units.csv": "unit_code,unit_name,level_code,region_code,parent_unit_code,valid_from,valid_to,successor_code",
    "code_maps.csv": "source,list,source_code,code",
}
# Without these no case can be counted.
_NEEDED_KINDS = {"applications": "申办", "acceptances": "受理", "closings": "办结", "items": "事项"}
_DRAFT = "待核对"
_CODE = re.compile(r"code\(\s*'(\w+)'\s*,\s*'(\w+)'")


@dataclass(frozen=True)
class Finding:
    """One thing that is missing or wrong: where, what, and how to mend it."""

    severity: Literal["error", "warning"]
    place: str
    what: str
    mend: str


@dataclass
class Examined:
    """A site looked through.

    Attributes:
        parts: what it is made of, in Chinese.
    """

    path: Path
    title: str = ""
    parts: dict[str, str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    @property
    def is_sound(self) -> bool:
        """Whether nothing keeps the site from running."""
        return not any(finding.severity == "error" for finding in self.findings)

    def summary(self) -> dict[str, Any]:
        """The same as plain values, for JSON."""
        return {
            "path": self.path,
            "title": self.title,
            "is_sound": self.is_sound,
            "parts": self.parts,
            "findings": [asdict(finding) for finding in self.findings],
        }

    def error(self, place: object, what: str, mend: str) -> None:
        """Note what keeps the site from running."""
        self.findings.append(Finding("error", str(place), what, mend))

    def warn(self, place: object, what: str, mend: str) -> None:
        """Note what deserves a look."""
        self.findings.append(Finding("warning", str(place), what, mend))

    def note(self, error: WangtingError) -> None:
        """Note an error as it was raised."""
        self.error(error.place, error.message, error.mend)


def examine(path: Path) -> Examined:
    """Look through the site in `path`."""
    found = Examined(path)
    if not (path / "site.yml").is_file():
        found.error(
            path / "site.yml",
            "找不到站点目录或其中的 site.yml",
            "写上 name、title、division、zone、plan、go_live、province",
        )
        return found
    try:
        site = at(path)
    except WangtingError as error:
        found.note(error)
        return found
    found.title = site.title
    found.parts = _parts(site)
    for name, broken in site.broken.items():
        found.error(broken.place or name, broken.message, broken.mend)
    _site_itself(site, found)
    _systems(site, found)
    _connections(site, found)
    regions = _regions(site, found)
    _units(site, regions, found)
    staged = _staging(site, found)
    _precedence(site, staged, found)
    _code_maps(site, found)
    return found


def _parts(site: Site) -> dict[str, str]:
    own = site.folders.chain[0]
    taken = [name for name, file in site.folders.sources.items() if not file.is_relative_to(own)]
    parts = {
        "继承": " → ".join(folder.name for folder in site.folders.chain[1:]) or "不继承",
        "来源": f"{len(site.folders.sources)} 个，其中继承 {len(taken)} 个",
        "暂存模型": f"{sum(1 for _ in _models(site))} 个",
        "种子": "、".join(site.folders.seeds) or "没有",
        "方案": site.plan,
    }
    if site.folders.left_out:
        parts["不取"] = "、".join(sorted(site.folders.left_out))
    return parts


def _models(site: Site) -> Iterator[Path]:
    for folder in site.folders.staging.values():
        yield from sorted(folder.rglob("*.sql"))


def _site_itself(site: Site, found: Examined) -> None:
    file = site.path / "site.yml"
    plans = {row["plan_code"] for row in site_folders.rows(_SEEDS / "plans.csv")}
    plans |= {row["plan_code"] for row in site.seed("plans.csv")}
    if site.plan not in plans:
        found.error(
            file,
            f"plan 写的 {site.plan} 不在已知方案之中",
            f"改为 {'、'.join(sorted(plans))} 之一，或在 seeds/plans.csv 中补上",
        )
    if not re.fullmatch(r"\d{12}", site.division):
        found.error(file, f"division {site.division} 不是 12 位区划代码", "6 位或 9 位的在后面补零")
    try:
        from zoneinfo import ZoneInfo

        ZoneInfo(site.zone)
    except (KeyError, ValueError):
        found.error(file, f"zone {site.zone} 不是已知时区", "写作 Asia/Shanghai 这样的名称")
    if site.specification_override is not None:
        try:
            from wangting import clock

            layers.read(layers.chosen(site.specification_override, clock.today()))
        except WangtingError as error:
            found.note(error)


def _systems(site: Site, found: Examined) -> None:
    """Which of the systems that the plan names give something and are connected by no source."""
    connected = {source.system for source in site.sources}
    missing = [
        each.title
        for code, each in systems.systems().items()
        if each.gives and code not in connected and (each.plans == "all" or site.plan in each.plans)
    ]
    if missing:
        found.warn(
            site.path / "sources",
            f"方案 {site.plan} 所列而尚未接入的系统：{'；'.join(missing)}",
            "逐个接入，见 docs/connect-a-system.md",
        )


def _connections(site: Site, found: Examined) -> None:
    for source in site.sources:
        file = site.folders.sources[source.name]
        if not _VARIABLE.search(source.url) and source.connect != "own":
            found.error(
                file, f"来源 {source.name} 的地址写在声明里", "改写为 ${环境变量名}，地址和口令放进环境变量"
            )
        _resolve([source.url, *(source.token or {}).values()], file, found)
        if source.system is None:
            found.warn(
                file,
                f"来源 {source.name} 没有写 system",
                "写上 wangting/systems.yml 中的代码，来源清单才对得上方案所列的系统",
            )
        elif source.system not in systems.systems():
            found.error(file, f"system {source.system} 不在 wangting/systems.yml 中", "改正代码")
    _resolve(_of_the_province(site), site.path / "site.yml", found)


def _of_the_province(site: Site) -> list[str]:
    province = site.province
    if province.dialect == "front_end":
        return [province.front_end.url]
    if province.route == "sharing_platform":
        about = province.sharing_platform
        return [about.url, about.platform, about.account, about.token]
    return [province.url, province.token]


def _resolve(texts: list[str], file: Path, found: Examined) -> None:
    """Note the variables that nobody has set: no error of the site, whoever runs it sets them."""
    missing: list[str] = []
    for name in (name for text in texts for name in _VARIABLE.findall(text)):
        try:
            settings.resolve(name, place=str(file))
        except WangtingError:
            missing.append(name[2:-1])
    if missing:
        found.warn(
            file,
            f"没有设置环境变量 {'、'.join(missing)}",
            "运行前设置，或用 wangting simulate up 启动模拟城市",
        )


def _seed(site: Site, name: str, found: Examined) -> list[dict[str, str]]:
    """A seed's rows, where it is there with all of its columns."""
    file = site.folders.seeds.get(name)
    if file is None:
        found.error(site.path / "seeds" / name, "没有这个种子文件", f"补上，表头为 {_COLUMNS[name]}")
        return []
    try:
        rows = site.seed(name)
    except WangtingError as error:
        found.note(error)
        return []
    missing = [column for column in _COLUMNS[name].split(",") if rows and column not in rows[0]]
    if missing or not rows:
        what = f"缺少列 {'、'.join(missing)}" if missing else "没有一行"
        found.error(file, what, f"表头应为 {_COLUMNS[name]}")
        return []
    return rows


def _versions(rows: list[dict[str, str]], column: str, file: object, found: Examined) -> None:
    """Several rows of a code are its versions: each begins on a day of its own, and ends no earlier."""
    seen: set[tuple[str, str]] = set()
    for number, row in enumerate(rows, 2):
        where = f"{file} 第 {number} 行"
        if (row[column], row["valid_from"]) in seen:
            found.error(where, f"{column} {row[column]} 重复", "只留一行；先后两个版本的 valid_from 应不同")
        seen.add((row[column], row["valid_from"]))
        for name in ("valid_from", "valid_to"):
            if row[name] and not _is_day(row[name]):
                found.error(where, f"{name} {row[name]} 不是日期", "写作 2017-07-01")
        if row["valid_from"] and row["valid_to"] and row["valid_to"] <= row["valid_from"]:
            found.error(where, f"{row['valid_to']} 停用，不晚于启用的 {row['valid_from']}", "改正日期")


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _regions(site: Site, found: Examined) -> set[str]:
    rows = _seed(site, "regions.csv", found)
    file = site.folders.seeds.get("regions.csv", site.path / "seeds" / "regions.csv")
    codes = {row["region_code"] for row in rows}
    _versions(rows, "region_code", file, found)
    for number, row in enumerate(rows, 2):
        where = f"{file} 第 {number} 行"
        if not re.fullmatch(r"\d{12}", row["region_code"]):
            found.error(where, f"区划代码 {row['region_code']} 不是 12 位数字", "6 位或 9 位的在后面补零")
        if row["parent_code"] and row["parent_code"] not in codes:
            found.error(where, f"上级 {row['parent_code']} 不在表中", "补上上级，或改正代码")
        if row["region_level"] not in ("city", "county", "town"):
            found.error(where, f"region_level {row['region_level']} 不认识", "写作 city、county 或 town")
        if row["is_statutory"] not in ("true", "false"):
            found.error(where, f"is_statutory {row['is_statutory']} 不认识", "写作 true 或 false")
        elif row["is_statutory"] == "false" and not row["statutory_code"]:
            found.error(
                where,
                f"{row['region_name']} 不是法定区划，没有写上报所用的代码",
                "在 statutory_code 写上法定上级的代码",
            )
    if rows and site.division not in codes:
        found.error(file, f"没有站点自己的区划 {site.division}", "补上这一行，或改正 site.yml 的 division")
    return codes


def _units(site: Site, regions: set[str], found: Examined) -> None:
    rows = _seed(site, "units.csv", found)
    file = site.folders.seeds.get("units.csv", site.path / "seeds" / "units.csv")
    codes = {row["unit_code"] for row in rows}
    _versions(rows, "unit_code", file, found)
    for number, row in enumerate(rows, 2):
        where = f"{file} 第 {number} 行"
        if row["region_code"] not in regions and regions:
            found.error(
                where,
                f"{row['unit_name']} 的区划 {row['region_code']} 不在 regions.csv 中",
                "补上区划，或改正代码",
            )
        if row["level_code"] not in ("municipal", "county", "town"):
            found.error(where, f"level_code {row['level_code']} 不认识", "写作 municipal、county 或 town")
        if row["parent_unit_code"] and row["parent_unit_code"] not in codes:
            found.error(where, f"上级部门 {row['parent_unit_code']} 不在表中", "补上上级部门，或改正代码")
        successor = row["successor_code"]
        if successor and (successor not in codes or successor == row["unit_code"]):
            found.error(where, f"承接部门 {successor} 不在表中或是它自己", "补上承接部门，或改正代码")
        if successor and not row["valid_to"]:
            found.error(where, f"{row['unit_name']} 有承接部门，没有停用日期", "补上 valid_to")


def _staging(site: Site, found: Examined) -> dict[str, list[Path]]:
    """The staging models by kind; what is wrong with them is noted."""
    try:
        staged = dbt_assembly.staged(site)
    except WangtingError as error:
        found.note(error)
        return {}
    referenced = {
        call
        for files in staged.values()
        for file in files
        for call in dbt_assembly.source_calls(file.read_text("utf-8"))
    }
    for source in site.sources:
        bare = [
            table
            for table, about in source.tables.items()
            if (source.name, table) not in referenced and not about.declares
        ]
        if bare:
            found.warn(
                site.folders.sources[source.name],
                f"来源 {source.name} 的表 {'、'.join(bare)} 只落地，没有暂存模型",
                f"需要时在 staging/{source.name}/ 下补 stg_{source.name}__<种类>.sql",
            )
    for file in (path for files in staged.values() for path in files):
        if _DRAFT in file.read_text("utf-8"):
            found.warn(file, f"仍写着「{_DRAFT}」", "逐列核对后删去")
    for name, file in site.folders.sources.items():
        if _DRAFT in file.read_text("utf-8"):
            found.warn(file, f"来源 {name} 的声明仍写着「{_DRAFT}」", "逐处核对后删去")
    for kind, title in _NEEDED_KINDS.items():
        if kind not in staged:
            found.warn(
                site.path / "staging",
                f"没有任何来源给出{title}（{kind}）",
                "接入给出它的系统；在此之前有关指标为空",
            )
    return staged


def _precedence(site: Site, staged: dict[str, list[Path]], found: Examined) -> None:
    file = site.path / "site.yml"
    kinds = set(_record_kinds(site, found))
    with_cases = {
        source
        for kind, files in staged.items()
        if kind in kinds
        for path in files
        for source, _ in dbt_assembly.source_calls(path.read_text("utf-8"))
    }
    for name in sorted(with_cases - set(site.precedence)):
        found.error(
            file,
            f"来源 {name} 有办件记录，却不在 precedence 中",
            "按数据的可靠程度写入 precedence，先写的为准",
        )
    for name in site.precedence:
        if name not in with_cases and name not in site.broken and staged:
            found.warn(
                file, f"precedence 中的 {name} 没有办件的暂存模型", "补上暂存模型，或从 precedence 删去"
            )
    twins = {name for name in site.precedence if site.precedence.count(name) > 1}
    if twins:
        found.error(file, f"precedence 中 {'、'.join(sorted(twins))} 写了两次", "只留一处")


def _record_kinds(site: Site, found: Examined) -> Iterator[str]:
    try:
        from wangting import clock

        sheets = layers.read(layers.chosen(site.specification_override, clock.today()))
    except WangtingError:  # told of already
        return
    for name, sheet in sheets.items():
        if (
            name.startswith("ex_gdbs_")
            and sheet.content.get("exchanged") is not False
            and "kind" in sheet.content
        ):
            yield str(sheet.content["kind"])


def _code_maps(site: Site, found: Examined) -> None:
    try:
        maps = site_folders.code_maps(site.folders)
    except WangtingError as error:
        found.note(error)
        return
    names = {source.name for source in site.sources} | set(site.broken)
    file = (
        site.folders.code_maps[0] if site.folders.code_maps else site.path / "seeds" / site_folders.CODE_MAPS
    )
    for source in sorted(set(maps) - names - site.folders.left_out):
        found.warn(file, f"代码对照写了没有的来源 {source}", "改正来源名称，或删去这些行")
    wanted = {call for path in _models(site) for call in _CODE.findall(path.read_text("utf-8"))}
    for source, listed in sorted(wanted):
        if source in names and not maps.get(source, {}).get(listed):
            found.warn(
                file,
                f"来源 {source} 的 {listed} 没有代码对照，原样采用",
                "代码与规范不同时，在 code_maps.csv 中逐个写明",
            )
