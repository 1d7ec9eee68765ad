"""`wangting gate` and `wangting spec`."""

from typing import Annotated, Any

import typer

from expectations.spec_commands import spec_app as spec_app
from wangting import console

AsJson = Annotated[bool, typer.Option("--json", help="输出 JSON")]


def gate(
    batch: Annotated[str | None, typer.Argument(help="批次编号；不写则判定所有尚未判定的批次")] = None,
    documents: Annotated[
        bool,
        typer.Option("--documents", help="不判定，只重新生成该批次的校验结果页面（网页，个人信息已遮盖）"),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """按交换规范逐条判定已切出的批次。"""
    from wangting import locks

    if documents:
        _make_documents(batch, as_json)
        return
    from expectations.gate import judge, open_batches

    with locks.writer("gate"):
        wanted = [batch] if batch else open_batches()
        summaries = []
        with console.progress("判定", len(wanted)) as step:
            for done, each in enumerate(wanted, 1):
                step(done - 1, text=f"判定 {each}")
                summaries.append(judge(each))
                step(done)
    console.emit([summary.model_dump() for summary in summaries], as_json=as_json, show=_show_gate)


def _make_documents(batch: str | None, as_json: bool) -> None:
    """Make the page of one batch anew, from what is stored of its judgement."""
    from expectations.documents import make
    from expectations.loading import site_specification
    from wangting import locks, settings
    from wangting.errors import WangtingError

    folder = settings.home() / "verdicts" / (batch or "")
    if batch is None or not (folder / "findings.parquet").is_file():
        raise WangtingError(
            f"批次 {batch} 没有判定结果" if batch else "没有写明批次",
            place=str(folder),
            mend="写明一个已判定的批次，如 wangting gate 批次编号 --documents",
        )
    with locks.writer("gate"):
        page = make(folder, site_specification())
    console.emit(
        {"batch_id": batch, "documents": str(page) if page else None},
        as_json=as_json,
        show=lambda made: console.say(
            f"校验结果页面：{made['documents']}" if made["documents"] else "该批次没有暂留或未能检查的记录。"
        ),
    )


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
        if summary["documents"]:
            console.say(f"校验结果页面：{summary['documents']}")
