"""`wangting cut`, `push`, `exchange`, `reconcile`, `timeliness`, `alarms`, `status` and `trace`."""

from datetime import date, datetime
from typing import Annotated, Any

import typer

from wangting import console
from wangting.errors import WangtingError

Json = Annotated[bool, typer.Option("--json", help="输出 JSON")]
Backfill = Annotated[bool, typer.Option("--backfill", help="连同上线前的办件一起推送")]
_MODES = {"full": "全量比对", "touched": "只比对有变动的", "none": "没有新的构建"}


def cut(
    full: Annotated[bool, typer.Option("--full", help="全量比对，不只看有变动的记录")] = False,
    restore: Annotated[
        bool, typer.Option("--restore", help="取回已按留存期清除、而还没有报送过的记录的内容")
    ] = False,
    as_json: Json = False,
) -> None:
    """切批：把新的、更正的和需重新校验的交换记录切成一批，并定版本号。"""
    from exchange.cut import cut as cut_batch

    console.emit(cut_batch(full=full, restore=restore).summary(), as_json=as_json, show=_show_cut)


def _show_cut(row: dict[str, Any]) -> None:
    if row["batch_id"] is None:
        console.say(f"没有新记录（{_MODES[row['mode']]}）")
        return
    console.say(
        f"批次 {row['batch_id']}（{_MODES[row['mode']]}）：新 {row['new']:,}，更正 {row['corrected']:,}，"
        f"重新校验 {row['represented']:,}；其中上线前 {row['backfill']:,}；{row['seconds']} 秒"
    )


def push(
    backfill: Backfill = False,
    now: Annotated[bool, typer.Option("--now", help="不等重发时间和断路器，立即试发")] = False,
    tables: Annotated[bool, typer.Option("--tables", help="只输出前置库的建表语句，不推送")] = False,
    as_json: Json = False,
) -> None:
    """推送：按环节顺序把通过校验的记录报送省平台，保存每一张回执。"""
    if tables:
        from exchange.receivers.front_end_tables import statements

        console.emit(
            {"statements": statements()},
            as_json=as_json,
            show=lambda row: console.say("\n".join(f"{each};" for each in row["statements"])),
        )
        return
    from exchange.passage import enqueue_judged
    from exchange.push import push as push_records

    enqueue_judged()
    console.emit(push_records(backfill=backfill, ask_now=now).summary(), as_json=as_json, show=_show_push)


def _show_push(row: dict[str, Any]) -> None:
    from exchange.reading import STATES

    console.say(
        f"发送 {row['attempts']:,} 次：确认 {row['acknowledged']:,}，退回 {row['rejected']:,}，"
        f"失败待重发 {row['failed_attempts']:,}，读回 {row['read_back']:,}；"
        f"12 小时内 {row['on_time']:,}，超时 {row['late']:,}；{row['seconds']} 秒"
    )
    if row["left"]:
        console.say(f"已写入前置库 {row['left']:,} 条，回执待下次读回")
    if row["stopped"]:
        console.say(f"暂不推送：{row['stopped']}")
    states = "，".join(f"{STATES[state]} {count:,}" for state, count in sorted(row["states"].items()))
    console.say(f"发件箱：{states or '空'}")
    if row["without_content"]:
        console.say(
            f"另有 {row['without_content']:,} 条上线前的记录内容已按留存期清除；"
            "运行 wangting cut --restore 从交换记录中取回，校验后再推送"
        )


def reconcile(
    repair: Annotated[bool, typer.Option("--repair", help="省平台丢失的记录重新报送")] = False,
    day: Annotated[str | None, typer.Option(help="只看一个业务日，如 2017-11-30")] = None,
    from_day: Annotated[str | None, typer.Option("--from", help="从哪个业务日起（含）")] = None,
    to_day: Annotated[str | None, typer.Option("--to", help="到哪个业务日止（含）")] = None,
    as_json: Json = False,
) -> None:
    """对账：逐日、逐部门、逐类型比对申报、落地、切批、确认、读回，列出缺少的记录；不一致时退出码为 3。"""
    from exchange.reconcile import reconcile as compare
    from exchange.report_screens import show_reconciliation

    if day is not None and (from_day is not None or to_day is not None):
        raise WangtingError("--day 与 --from、--to 不能同时使用", place="--day", mend="只留一种写法")
    first, last = _date(day or from_day, "--from"), _date(day or to_day, "--to")
    found = compare(repair=repair, first_day=first, last_day=last)
    console.emit(found.summary(), as_json=as_json, show=show_reconciliation)
    if not found.agrees:
        raise typer.Exit(3)


def _date(text: str | None, place: str) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError as error:
        raise WangtingError(f"日期 {text} 无法识别", place=place, mend="写作 2017-11-30") from error


def timeliness(
    by: Annotated[
        list[str] | None, typer.Option(help="分组，可写多次：system、department、stage、day")
    ] = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="截至时间，如 2017-12-01 08:00；默认现在")
    ] = None,
    period: Annotated[
        str | None, typer.Option(help="起算日期间：2017、2017-11、2017-11-30 或 2017-11-30..2017-12-06")
    ] = None,
    worst: Annotated[int, typer.Option(help="列出最迟和最急的各几条", min=0, max=10_000)] = 10,
    as_json: Json = False,
) -> None:
    """十二小时台账：按时率（附分母）、延误责任（来源、本级、省平台）、在途剩余时间、沉默的系统。"""
    from exchange.report_screens import show_timeliness
    from exchange.timeliness import timeliness as ask

    try:
        moment = None if as_of is None else datetime.fromisoformat(as_of)
    except ValueError as error:
        raise WangtingError(
            f"时间 {as_of} 无法识别", place="--as-of", mend="写作 2017-12-01 08:00"
        ) from error
    found = ask(by=by or (), as_of=moment, period=period, worst=worst)
    console.emit(found.summary(), as_json=as_json, show=show_timeliness)


def alarms(
    tell: Annotated[bool, typer.Option("--tell", help="先按台账更新警报，再通知尚未得知的渠道")] = False,
    as_json: Json = False,
) -> None:
    """警报：列出未解除的；加 --tell 则更新并通知（推送地址、邮箱）。"""
    from exchange.report_screens import show_alarms
    from exchange.watch import look
    from wangting.alarms import open_alarms
    from wangting.telling import tell as tell_channels

    told = []
    if tell:
        look()
        told = [each.summary() for each in tell_channels()]
    console.emit({"alarms": open_alarms(), "told": told}, as_json=as_json, show=show_alarms)
    if any(each["error"] for each in told):
        raise typer.Exit(1)


def exchange(
    backfill: Backfill = False,
    force: Annotated[bool, typer.Option("--force", help="不问有无要做的，各步都走一遍")] = False,
    as_json: Json = False,
) -> None:
    """数据交换全程：整理交换记录、切批、校验、入队、推送；没有要做的就立即结束。"""
    from exchange.work import work

    waiting = work()
    if not (waiting.is_there or backfill or force):
        console.emit(
            {"work": []},
            as_json=as_json,
            show=lambda _: console.say("没有要做的；要各步都走一遍，加 --force"),
        )
        return
    from exchange.cut import cut as cut_batch
    from exchange.passage import judge_and_enqueue
    from exchange.push import push as push_records
    from exchange.records import record_types
    from wangting.build import build

    record_types()  # a mistake in the specification is told before anything is built by it
    done: dict[str, Any] = {"work": waiting.reasons}
    done |= {"build": build("exchange").summary(), "cut": cut_batch().summary()}
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
    from wangting import home_modes

    return read() | {"open_to_others": [str(path) for path in home_modes.at_first_sight()]}


def status(as_json: Json = False) -> None:
    """一屏看全：来源、构建、批次、未过校验、在途、时限、指标与目标。"""
    console.emit(status_data(), as_json=as_json, show=show_status)


def show_status(data: dict[str, Any]) -> None:
    """The status screen for people."""
    from exchange.screens import show_status as show

    show(data)


def retention(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只列出会清除什么，不动文件")] = False,
    encrypt: Annotated[
        bool, typer.Option("--encrypt", help="把未加密的、用旧密钥加密的批次改用现在的密钥")
    ] = False,
    as_json: Json = False,
) -> None:
    """留存：超过站点规定期限的批次只留登记信息，清除旧的校验发现和原始文件，收紧文件权限。"""
    from exchange.retention import retain

    console.emit(retain(dry_run=dry_run, encrypt=encrypt).summary(), as_json=as_json, show=_show_retention)


def _show_retention(row: dict[str, Any]) -> None:
    console.say(
        ("将清除：" if row["is_dry_run"] else "已清除：")
        + f"批次 {len(row['reduced']):,} 个的内容（{row['cleared_rows']:,} 条记录），"
        f"校验发现 {len(row['findings']):,} 个，原始文件 {len(row['raw']):,} 次载入；"
        f"{row['freed_bytes'] / 1e6:,.1f} MB"
    )
    if row["waits"]:
        console.say(f"批次 {row['waits'][0]} 等 {len(row['waits'])} 个尚未校验入队，入队后才清除旧批次的内容")
    if row["encrypted_files"]:
        console.say(f"改用现在的密钥：{row['encrypted_files']:,} 个文件")
    if row["mended"]:
        console.say(
            f"他人可读写的文件或目录：{row['mended']:,} 个" + ("" if row["is_dry_run"] else "，已收紧")
        )


def trace(
    case_no: Annotated[str, typer.Argument(metavar="申办流水号", help="要追踪的办件的申办流水号")],
    as_json: Json = False,
) -> None:
    """追踪一件：它在落地、批次、校验、发件箱、回执、省平台和办件表各站的样子（个人信息已遮盖）。"""
    from exchange.screens import show_trace
    from exchange.tracing import trace as find

    console.emit(find(case_no), as_json=as_json, show=show_trace)
