"""`wangting spec`: the exchange specification for people."""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wangting import console
from wangting.errors import WangtingError

if TYPE_CHECKING:
    from expectations.model import Specification

AsJson = Annotated[bool, typer.Option("--json", help="输出 JSON")]
VersionName = Annotated[str | None, typer.Option("--version", help="规范版本，如 2013；不写则为现行版本")]
OnDay = Annotated[str | None, typer.Option("--on", help="某日适用的版本，如 2015-06-30")]
_SEVERITIES = {"block": "阻断", "warn": "提醒", "info": "提示"}

spec_app = typer.Typer(help="数据交换规范：查看、比较、检查、数据字典", no_args_is_help=True)


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text is not None else None
    except ValueError as error:
        raise WangtingError(f"日期 {text} 读不懂", place="--on", mend="写作 2015-06-30 的样子") from error


def _asked(version: str | None, on: str | None) -> "Specification":
    """The site's specification of a version or of a day."""
    from expectations.loading import site_specification

    if version is not None and on is not None:
        raise WangtingError("--version 和 --on 只能写一个", place="wangting spec", mend="去掉其一")
    return site_specification(version, _day(on))


@spec_app.command()
def show(
    record: Annotated[str | None, typer.Argument(help="记录类型，如 EX_GDBS_SB；不写则列出全部")] = None,
    version: VersionName = None,
    on: OnDay = None,
    as_json: AsJson = False,
) -> None:
    """显示本站点适用的规范：记录类型，或一种记录的字段与规则。"""
    from expectations.compiling import judgements, rule_version

    specification = _asked(version, on)
    general = specification.general
    if record is None:
        listed = [
            {
                "record": name,
                "title": each.title,
                "exchanged": each.exchanged,
                "fields": len(each.fields),
                "checks": len(judgements(specification, name)) if each.exchanged else 0,
                "note": each.unexchanged_because or "",
            }
            for name, each in specification.records.items()
        ]
        about = {
            "version": general.version,
            "base": general.base,
            "title": general.title,
            "valid_from": general.valid_from,
            "valid_until": general.valid_until,
            "rule_version": rule_version(specification),
            "records": listed,
            "transport_fields": {
                name: each.model_dump(mode="json") for name, each in general.transport_fields.items()
            },
        }
        console.emit({**about, "changes": specification.changes}, as_json=as_json, show=_show_records)
        return
    name = record.upper()
    if name not in specification.records:
        known = "、".join(specification.records)
        raise WangtingError(
            f"没有记录类型 {record}", place=f"{general.version} 版交换规范", mend=f"可用的有：{known}"
        )
    fields = {key: field.model_dump(mode="json") for key, field in specification.records[name].fields.items()}
    rules = [
        each.model_dump(
            mode="json", include={"rule_id", "family", "severity", "field", "title", "reason", "mend"}
        )
        for each in judgements(specification, name)
    ]
    about = {"record": name, "version": general.version, "title": specification.records[name].title}
    changes = [change.text for change in specification.site_changes if change.place.partition(".")[0] == name]
    console.emit(
        {**about, "fields": fields, "rules": rules, "changes": changes}, as_json=as_json, show=_show_record
    )


def _show_records(about: dict[str, Any]) -> None:
    lines = [
        [each["record"], each["title"], each["fields"], each["checks"] or "", each["note"]]
        for each in about["records"]
    ]
    until = f"至 {about['valid_until']} 前" if about["valid_until"] else "起"
    console.say(f"{about['title']}，{about['valid_from']} {until}有效。")
    title = f"数据交换规范 {about['version']}（规则版本 {about['rule_version']}）"
    console.table(title, ["记录", "名称", "字段", "检查项", "不推送的原因"], lines, right={2, 3})
    for change in about["changes"]:
        console.say(f"本站点：{change}")


def _show_record(about: dict[str, Any]) -> None:
    from expectations.dictionary import CONFIDENCES, SOURCES, TYPES

    lines = []
    for name, field in about["fields"].items():
        size = field["bytes"] or field["digits"] or ""
        needed = "是" if field["required"] else "有条件" if field["required_when"] else ""
        known = f"{SOURCES[field['source']]}/{CONFIDENCES[field['confidence']]}"
        lines.append([name, field["title"], TYPES[field["type"]], size, needed, field["codes"] or "", known])
    columns = ["字段", "名称", "类型", "长度", "必填", "代码表", "来源/把握"]
    console.table(f"{about['record']} {about['title']}（{about['version']} 版）", columns, lines, right={3})
    seen: dict[str, list[Any]] = {}
    for rule in about["rules"]:
        line = [rule["rule_id"], _SEVERITIES[rule["severity"]], rule["title"], rule["reason"]]
        seen.setdefault(rule["rule_id"] + rule["title"], line)
    console.table("规则", ["编号", "级别", "要求", "缘由"], list(seen.values()))
    for change in about["changes"]:
        console.say(f"本站点：{change}")


@spec_app.command()
def diff(
    old: Annotated[str | None, typer.Argument(help="原版本，如 2013")] = None,
    new: Annotated[str | None, typer.Argument(help="新版本，如 2016")] = None,
    site: Annotated[bool, typer.Option("--site", help="比较规范原文与本站点改动之后")] = False,
    as_json: AsJson = False,
) -> None:
    """比较两个版本；加 --site 则比较规范原文与本站点改动之后（版本不写为现行）。"""
    from expectations.differing import differences
    from expectations.loading import load_specification, site_specification

    if site:
        if new is not None:
            raise WangtingError("--site 只与一个版本比较", place="wangting spec diff", mend="去掉后一个版本")
        after = site_specification(old)
        before = load_specification(after.general.version)
        named = (f"{before.general.version} 版原文", "本站点")
    elif old is None or new is None:
        raise WangtingError(
            "没有写明比较哪两个版本",
            place="wangting spec diff",
            mend="写作 wangting spec diff 2013 2016，或加 --site",
        )
    else:
        before, after = load_specification(old), load_specification(new)
        named = (f"{old} 版", f"{new} 版")
    found = [each.model_dump(mode="json") for each in differences(before, after)]
    about = {"old": named[0], "new": named[1], "differences": found}
    if site:
        about["changes"] = after.changes
    console.emit(about, as_json=as_json, show=_show_differences)


def _show_differences(about: dict[str, Any]) -> None:
    from expectations.differing import ATTRIBUTES, CHANGES, SUBJECTS, worded

    lines = []
    for each in about["differences"]:
        is_part = each["change"] == "changed"
        lines.append(
            [
                SUBJECTS[each["subject"]],
                each["place"],
                CHANGES[each["change"]],
                ATTRIBUTES.get(each["attribute"], each["attribute"]) if is_part else "",
                worded(each["old"]) if is_part else each["old"],
                worded(each["new"]) if is_part else each["new"],
            ]
        )
    if not lines:
        console.say(f"{about['old']}与{about['new']}没有区别。")
        return
    columns = ["对象", "位置", "变化", "属性", about["old"], about["new"]]
    console.table(f"{about['old']}与{about['new']}的区别，共 {len(lines)} 处", columns, lines)
    for change in about.get("changes", []):
        console.say(f"本站点：{change}")


@spec_app.command()
def check(as_json: AsJson = False) -> None:
    """检查全部版本的规范文件和本站点的改动；有误则逐条列出，退出码为 1。"""
    from expectations.compiling import rule_version
    from expectations.loading import load_specification, site_specification
    from wangting import specification as layers

    done: list[dict[str, Any]] = []

    def tried(name: str, read: Any) -> None:
        line: dict[str, Any] = {"name": name, "error": None}
        try:
            made = read()
            line |= {
                "version": made.general.version,
                "valid_from": made.general.valid_from,
                "valid_until": made.general.valid_until,
                "records": len(made.records),
                "fields": sum(len(record.fields) for record in made.records.values()),
                "rule_version": rule_version(made),
                "changes": made.changes,
            }
        except WangtingError as error:
            line["error"] = str(error)
        done.append(line)

    # A head that cannot be read stops here: without it nobody knows which versions there are.
    for version in layers.versions():
        tried(f"{version.name} 版", lambda name=version.name: load_specification(name))
    tried("本站点", site_specification)
    console.emit(done, as_json=as_json, show=_show_checked)
    if any(line["error"] for line in done):
        raise typer.Exit(1)


def _show_checked(done: list[dict[str, Any]]) -> None:
    for line in done:
        if line["error"]:
            console.say(f"{line['name']}有误：{line['error']}")
            continue
        until = f"至 {line['valid_until']} 前" if line["valid_until"] else "起"
        console.say(
            f"{line['name']}无误：{line['version']} 版（{line['valid_from']} {until}有效），{line['records']} 种记录、"
            f"{line['fields']} 个字段，规则版本 {line['rule_version']}，本站点改动 {len(line['changes'])} 处。"
        )


@spec_app.command()
def dictionary(
    html: Annotated[Path | None, typer.Option("--html", help="写成一个网页文件")] = None,
    xlsx: Annotated[Path | None, typer.Option("--xlsx", help="写成一个工作簿")] = None,
    version: VersionName = None,
    on: OnDay = None,
    as_json: AsJson = False,
) -> None:
    """编制数据字典：记录类型、字段、代码表、规则，标出本站点的改动。"""
    from expectations.dictionary import dictionary as tables_of
    from expectations.dictionary import page, workbook
    from expectations.loading import load_specification
    from wangting import clock
    from wangting import specification as layers
    from wangting.site import current_site

    if html is None and xlsx is None:
        raise WangtingError(
            "没有写明写成什么文件", place="wangting spec dictionary", mend="加 --html 或 --xlsx"
        )
    specification = _asked(version, on)
    name = specification.general.version
    older = [
        load_specification(each.name)
        for each in layers.versions()
        if each.valid_from < specification.general.valid_from
    ]
    tables = tables_of(specification, load_specification(name), older, current_site().title)
    written = []
    if html is not None:
        try:
            html.write_text(page(tables, clock.today()), "utf-8")
        except OSError as error:
            raise WangtingError(
                f"数据字典写不进去（{error.strerror}）", place=str(html), mend="核对目录和权限"
            ) from error
        written.append(str(html))
    if xlsx is not None:
        workbook(tables, xlsx)
        written.append(str(xlsx))
    about = {"version": name, "files": written}
    console.emit(
        about,
        as_json=as_json,
        show=lambda made: console.say(f"{made['version']} 版的数据字典已写入 {'、'.join(made['files'])}。"),
    )
