"""`wangting cut`, `push`, `reconcile`, `exchange`, `status` and `trace`."""

from typing import Annotated, Any

import typer

from wangting import console

Json = Annotated[bool, typer.Option("--json", help="输出 JSON")]
Backfill = Annotated[bool, typer.Option("--backfill", help="连同上线前的办件一起推送")]
_MODES = {"full": "全量比对", "touched": "只比对有变动的", "none": "没有新的构建"}


def cut(
    full: Annotated[bool, typer.Option("--full", help="全量比对，不只看有变动的记录")] = False,
    as_json: Json = False,
) -> None:
    """切批：把新的、更正的和需重新校验的交换记录切成一批，并定版本号。"""
    from exchange.cut import cut as cut_batch

    console.emit(cut_batch(full=full).summary(), as_json=as_json, show=_show_cut)


def _show_cut(row: dict[str, Any]) -> None:
    if row["batch_id"] is None:
        console.say(f"没有新记录（{_MODES[row['mode']]}）")
        return
    console.say(
        f"批次 {row['batch_id']}（{_MODES[row['mode']]}）：新 {row['new']:,}，更正 {row['corrected']:,}，"
        f"重新校验 {row['represented']:,}；其中上线前 {row['backfill']:,}；{row['seconds']} 秒"
    )


def push(backfill: Backfill = False, as_json: Json = False) -> None:
    """推送：按环节顺序把通过校验的记录报送省平台，保存每一张回执。"""
    from exchange.passage import enqueue_judged
    from exchange.push import push as push_records

    enqueue_judged()
    console.emit(push_records(backfill=backfill).summary(), as_json=as_json, show=_show_push)


def _show_push(row: dict[str, Any]) -> None:
    from exchange.reading import STATES

    console.say(
        f"发送 {row['attempts']:,} 次：确认 {row['acknowledged']:,}，退回 {row['rejected']:,}，"
        f"失败待重发 {row['failed_attempts']:,}，读回 {row['read_back']:,}；"
        f"12 小时内 {row['on_time']:,}，超时 {row['late']:,}；{row['seconds']} 秒"
    )
    states = "，".join(f"{STATES[state]} {count:,}" for state, count in sorted(row["states"].items()))
    console.say(f"发件箱：{states or '空'}")


def reconcile(
    repair: Annotated[bool, typer.Option("--repair", help="省平台丢失的记录重新报送")] = False,
    as_json: Json = False,
) -> None:
    """对账：读回省平台的记录，按日、按类型与台账比对，列出两边缺少的记录。"""
    from exchange.reconcile import reconcile as compare

    console.emit(compare(repair=repair).summary(), as_json=as_json, show=_show_reconciliation)


def _show_reconciliation(row: dict[str, Any]) -> None:
    console.table(
        "对账",
        ["日期", "记录类型", "台账已确认", "省平台计数", "读回"],
        [
            [day["day"], day["record"], day["acknowledged"], day["counted"], day["read_back"]]
            for day in row["days"]
        ],
        right={2, 3, 4},
    )
    if row["agrees"]:
        console.say("两边一致")
        return
    for name, title in (("lost", "台账已确认而省平台没有"), ("unknown", "省平台有而台账未确认")):
        if row[f"{name}_count"]:
            console.table(
                f"{title}（{row[f'{name}_count']:,} 条，列出 {len(row[name]):,} 条）",
                ["记录类型", "记录键", "版本", "申办流水号"],
                [
                    [each["record"], each["record_key"], each["version"], each["case_no"]]
                    for each in row[name]
                ],
            )
    if row["lost_count"]:
        console.say(
            f"已列为待重发 {row['repaired']:,} 条，下次推送时发出"
            if row["repaired"]
            else "用 wangting reconcile --repair 把省平台丢失的记录列为待重发"
        )


def exchange(backfill: Backfill = False, as_json: Json = False) -> None:
    """数据交换全程：整理交换记录、切批、校验、入队、推送。"""
    from exchange.cut import cut as cut_batch
    from exchange.passage import judge_and_enqueue
    from exchange.push import push as push_records
    from exchange.records import record_types
    from wangting.build import build

    record_types()  # a mistake in the specification is told before anything is built by it
    done: dict[str, Any] = {"build": build("exchange").summary(), "cut": cut_batch().summary()}
    done["gate"] = [passed.summary() for passed in judge_and_enqueue()]
    done["push"] = push_records(backfill=backfill).summary()

    def show(steps: dict[str, Any]) -> None:
        console.say(f"整理：{steps['build']['reason']}，{steps['build']['seconds']} 秒")
        _show_cut(steps["cut"])
        for passed in steps["gate"]:
            outcomes = passed["outcomes"]
            console.say(
                f"校验 {passed['batch_id']}：通过 {outcomes['passed']:,}，提示 {outcomes['warned']:,}，"
                f"未过 {outcomes['held']:,}，未能校验 {outcomes['unchecked']:,}"
            )
            for alarm in passed["alarms"]:
                console.say(f"警报：{alarm}")
        _show_push(steps["push"])

    console.emit(done, as_json=as_json, show=show)


def status_data() -> dict[str, Any]:
    """What the status screen shows, as plain data."""
    from exchange.reading import status as read

    return read()


def status(as_json: Json = False) -> None:
    """一屏看全：来源、构建、批次、未过校验、在途、时限、指标与目标。"""
    console.emit(status_data(), as_json=as_json, show=show_status)


def show_status(data: dict[str, Any]) -> None:
    """The status screen for people."""
    from exchange.screens import show_status as show

    show(data)


def trace(
    case_no: Annotated[str, typer.Argument(metavar="申办流水号", help="要追踪的办件的申办流水号")],
    as_json: Json = False,
) -> None:
    """追踪一件：它在落地、批次、校验、发件箱、回执、省平台和办件表各站的样子（个人信息已遮盖）。"""
    from exchange.screens import show_trace
    from exchange.tracing import trace as find

    console.emit(find(case_no), as_json=as_json, show=show_trace)
