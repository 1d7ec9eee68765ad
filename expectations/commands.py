"""`wangting gate` and `wangting spec`."""

from typing import Annotated, Any

import typer

from wangting import console

AsJson = Annotated[bool, typer.Option("--json", help="输出 JSON")]
_SEVERITIES = {"block": "阻断", "warn": "提醒", "info": "提示"}


def gate(
    batch: Annotated[str | None, typer.Argument(help="批次编号；不写则判定所有尚未判定的批次")] = None,
    as_json: AsJson = False,
) -> None:
    """按交换规范逐条判定已切出的批次。"""
    from expectations.gate import judge, open_batches
    from wangting import locks

    with locks.writer("gate"):
        wanted = [batch] if batch else open_batches()
        summaries = []
        with console.progress("判定", len(wanted)) as step:
            for done, each in enumerate(wanted, 1):
                step(done - 1, text=f"判定 {each}")
                summaries.append(judge(each))
                step(done)
    console.emit([summary.model_dump() for summary in summaries], as_json=as_json, show=_show_gate)


def _show_gate(summaries: list[dict[str, Any]]) -> None:
    if not summaries:
        console.say("没有待判定的批次。")
    for summary in summaries:
        lines = [
            [record, *(f"{counts[name]:,}" for name in ("passed", "warned", "held", "unchecked"))]
            for record, counts in summary["outcomes"].items()
        ]
        title = f"批次 {summary['batch_id']}（规则版本 {summary['rule_version']}）"
        console.table(title, ["记录", "通过", "带提醒通过", "暂留", "未能检查"], lines, right={1, 2, 3, 4})
        if summary["findings"]:
            found = [[rule, f"{count:,}"] for rule, count in summary["findings"].items()]
            console.table("发现的问题", ["规则", "条数"], found, right={1})
        for alarm in summary["alarms"]:
            console.say(
                f"告警：{alarm['record']} 的规则 {alarm['rule_id']}（{alarm['field']}）未能执行（{alarm['error']}），"
                f"{alarm['rows']} 条记录暂留。"
            )


spec_app = typer.Typer(help="数据交换规范：查看与检查", no_args_is_help=True)


@spec_app.command()
def show(
    record: Annotated[str | None, typer.Argument(help="记录类型，如 EX_GDBS_SB；不写则列出全部")] = None,
    as_json: AsJson = False,
) -> None:
    """显示本站点适用的规范：记录类型，或一种记录的字段与规则。"""
    from expectations.compiling import judgements, rule_version
    from expectations.loading import site_specification
    from wangting.errors import WangtingError

    specification = site_specification()
    if record is None:
        listed = [
            {
                "record": name,
                "title": each.title,
                "fields": len(each.fields),
                "checks": len(judgements(specification, name)),
            }
            for name, each in specification.exchanged.items()
        ]
        version = specification.general.version
        about = {"version": version, "rule_version": rule_version(specification), "records": listed}
        console.emit({**about, "changes": specification.changes}, as_json=as_json, show=_show_records)
        return
    name = record.upper()
    if name not in specification.records:
        known = "、".join(specification.records)
        raise WangtingError(f"没有记录类型 {record}", place="交换规范", mend=f"可用的有：{known}")
    fields = {key: field.model_dump(mode="json") for key, field in specification.records[name].fields.items()}
    rules = [
        each.model_dump(mode="json", include={"rule_id", "family", "severity", "field", "title", "mend"})
        for each in judgements(specification, name)
    ]
    console.emit({"record": name, "fields": fields, "rules": rules}, as_json=as_json, show=_show_record)


@spec_app.command()
def check(as_json: AsJson = False) -> None:
    """检查规范文件与本站点的改动是否有误。"""
    from expectations.compiling import rule_version
    from expectations.loading import site_specification

    specification = site_specification()
    done = {
        "version": specification.general.version,
        "rule_version": rule_version(specification),
        "changes": specification.changes,
    }
    console.emit(
        done,
        as_json=as_json,
        show=lambda found: console.say(
            f"规范 {found['version']} 无误，规则版本 {found['rule_version']}，本站点改动 {len(found['changes'])} 处。"
        ),
    )


def _show_records(about: dict[str, Any]) -> None:
    lines = [[each["record"], each["title"], each["fields"], each["checks"]] for each in about["records"]]
    title = f"数据交换规范 {about['version']}（规则版本 {about['rule_version']}）"
    console.table(title, ["记录", "名称", "字段", "检查项"], lines, right={2, 3})
    for change in about["changes"]:
        console.say(f"本站点：{change}")


def _show_record(about: dict[str, Any]) -> None:
    lines = []
    for name, field in about["fields"].items():
        size = field["bytes"] or field["digits"] or ""
        needed = "是" if field["required"] else "有条件" if field["required_when"] else ""
        lines.append([name, field["title"], field["type"], size, needed, field["codes"] or ""])
    console.table(about["record"], ["字段", "名称", "类型", "长度", "必填", "代码表"], lines, right={3})
    seen: dict[str, list[Any]] = {}
    for rule in about["rules"]:
        line = [rule["rule_id"], _SEVERITIES[rule["severity"]], rule["family"], rule["title"]]
        seen.setdefault(rule["rule_id"] + rule["title"], line)
    console.table("规则", ["编号", "级别", "类别", "要求"], list(seen.values()))
