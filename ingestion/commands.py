"""`wangting pull`, `sources`, `replay` and `compact`."""

from datetime import datetime, time
from typing import Annotated, Any

import typer

from wangting import console
from wangting.errors import WangtingError

AsJson = Annotated[bool, typer.Option("--json", help="输出 JSON")]


def pull(
    source: Annotated[list[str] | None, typer.Argument(help="来源名称；不写则全部")] = None,
    full: Annotated[
        bool, typer.Option("--full", help="从头核对全表，补上尚未落地的行，并与来源比对删除")
    ] = False,
    since: Annotated[
        str | None, typer.Option("--since", help="只补取这一时段：起点，如 2017-11-01 或 2017-11-01T08:00")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", help="终点（含；只写日期则到当天结束）；不写则到此刻")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """抽取各来源的新数据并落地；给出时段则分段补取，中断后接着做。"""
    from ingestion import pulling
    from wangting.site import current_site

    if until is not None and since is None:
        raise WangtingError("只给了终点", place="--until", mend="同时给出 --since")
    if full and since is not None:
        raise WangtingError("--full 与 --since 不能同时用", place="wangting pull", mend="去掉其中一个")
    if since is not None:
        results = _backfill(source, _moment(since, "--since"), until)
    else:
        site = current_site()
        total = sum(len(spec.tables) for spec in site.sources if not source or spec.name in source)
        results = []
        with console.progress("抽取", total) as step:

            def told(result: pulling.LoadResult) -> None:
                results.append(result)
                step(len(results), text=f"抽取 {result.source}.{result.table}")

            pulling.pull(source, full=full, told=told)
    console.emit([result.summary() for result in results], as_json=as_json, show=_show_pull)
    if not all(result.is_ok for result in results):
        raise typer.Exit(1)


def _backfill(source: list[str] | None, since: datetime, until: str | None) -> list[Any]:
    from ingestion.backfill import backfill

    end = None if until is None else _moment(until, "--until", is_end=True)
    with console.progress("补取") as step:

        def told(number: int, total: int, text: str) -> None:
            step(number, total=total, text=f"补取 {text}")

        return backfill(source, since, end, told=told)


def _moment(text: str, option: str, *, is_end: bool = False) -> datetime:
    """A moment as a person writes it; a bare date is the whole day."""
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            raise ValueError(text)
    except ValueError:
        raise WangtingError(
            f"「{text}」不是时间", place=option, mend="写作 2017-11-01 或 2017-11-01T08:00（本地时间）"
        ) from None
    return datetime.combine(moment.date(), time.max) if is_end and len(text) == 10 else moment


def sources(
    details: Annotated[bool, typer.Option("--details", help="逐表列出：到数、比对、需要留意的事项")] = False,
    as_json: AsJson = False,
) -> None:
    """列出规划提到的每个系统：是否接入、最近到数、按工作时间算是否沉默。"""
    from ingestion.overview import overview

    def show(systems: list[dict[str, Any]]) -> None:
        _show_sources(systems)
        if details:
            _show_details(systems)

    console.emit(overview(), as_json=as_json, show=show)


def replay(
    source: Annotated[str, typer.Argument(help="来源名称")],
    table: Annotated[str, typer.Argument(help="表名")],
    as_json: AsJson = False,
) -> None:
    """用留存的原始页面和文件重建一张表的落地，不再询问来源。"""
    from ingestion.replay import replay as replay_table

    with console.progress("重放") as step:

        def told(number: int, total: int, text: str) -> None:
            step(number, total=total, text=f"重放 {text}")

        done = replay_table(source, table, told=told).summary()

    def show(found: dict[str, Any]) -> None:
        after = "有变化，已替换，下次构建为全量" if found["is_changed"] else "与原来相同"
        console.say(
            f"{found['source']}.{found['table']}：重放 {found['replayed']} 批、原样保留 {found['kept']} 批，"
            f"{found['rows_before']:,} 行变为 {found['rows']:,} 行，{after}。"
        )

    console.emit(done, as_json=as_json, show=show)


def compact(as_json: AsJson = False) -> None:
    """合并落地文件：已结束的一天一个文件，已结束的一月一个文件。"""
    from ingestion.compaction import compact as compact_landing

    with console.progress("合并") as step:

        def told(number: int, total: int, text: str) -> None:
            step(number, total=total, text=f"合并 {text}")

        done = compact_landing(told=told).summary()

    def show(found: dict[str, Any]) -> None:
        console.table(
            "合并落地文件",
            ["来源", "表", "时段", "批次", "原有文件", "行", "大小 KB"],
            [
                [
                    *(one[name] for name in ("source", "table", "span", "loads", "files")),
                    f"{one['rows']:,}",
                    one["bytes"] // 1024,
                ]
                for one in found["merged"]
            ],
            right={3, 4, 5, 6},
        )
        console.say(f"清除已被替换的文件 {found['deleted']} 个，另有 {found['waiting']} 个等待宽限期满。")
        for error in found["errors"]:
            console.say(f"错误：{error}")

    console.emit(done, as_json=as_json, show=show)
    if done["errors"]:
        raise typer.Exit(1)


def _show_pull(results: list[dict[str, Any]]) -> None:
    states = {"committed": "已落地", "empty": "无新数据", "failed": "失败", "unavailable": "本机不可用"}
    console.table(
        "抽取结果",
        ["来源", "表", "结果", "新行", "其中删除", "大小 KB", "秒"],
        [
            [
                one["source"],
                one["table"],
                states[one["state"]],
                f"{one['rows']:,}",
                f"{one['deleted']:,}",
                one["bytes"] // 1024,
                f"{one['seconds']:.1f}",
            ]
            for one in results
        ],
        right={3, 4, 5, 6},
    )
    for kind, mark in (("warnings", "提醒"), ("errors", "错误")):
        for sentence in dict.fromkeys(sentence for one in results for sentence in one[kind]):
            console.say(f"{mark}：{sentence}")


def _show_sources(systems: list[dict[str, Any]]) -> None:
    from ingestion.overview import STATES

    console.table(
        "来源系统",
        ["系统", "来源", "责任单位", "接入", "表", "最近到数", "已落地行", "沉默/上限（工作时）", "状态"],
        [
            [
                "" if before["system_title"] == one["system_title"] else one["system_title"],
                f"{one['title']} {one['source']}" if one["source"] else "",
                one["owner"],
                one["connector"],
                one["tables"] or "",
                f"{one['last_rows_at']:%m-%d %H:%M}" if one["last_rows_at"] else "—",
                f"{one['rows']:,}",
                "—"
                if one["silence_hours"] is None
                else f"{one['silence_hours']:.1f}/{one['silent_after_hours']}",
                STATES[one["state"]],
            ]
            for before, one in zip([{"system_title": None}, *systems], systems, strict=False)
        ],
        right={4, 6, 7},
    )
    for one in systems:
        if one["error"]:
            console.say(f"{'提醒' if one['state'] == 'unavailable' else '错误'}：{one['error']}")
    for one in systems:
        if about := one["declared"]:
            told = (
                "，一致" if not about["differing"] else f"，{about['differing']} 处不一致：wangting reconcile"
            )
            span = f"{about['first_day']:%m-%d} 至 {about['last_day']:%m-%d}"
            console.say(
                f"{one['title']} 自报 {span} 共 {about['declared']:,} 条，"
                f"落地 {about['landed']:,} 条（{about['compared_at']:%m-%d %H:%M} 比对）{told}"
            )
    if noted := sum(one["remarks"] for one in systems):
        console.say(f"另有 {noted} 条需要留意的事项：wangting sources --details")


def _show_details(systems: list[dict[str, Any]]) -> None:
    from ingestion.contract import KINDS

    lines, noted = [], []
    for one in systems:
        for row in one["details"]:
            compared = row["compared"]
            lines.append(
                [
                    f"{one['source']}.{row['table']}",
                    row["title"],
                    f"{row['last_rows_at']:%m-%d %H:%M}" if row["last_rows_at"] else "—",
                    f"{row['rows']:,}",
                    f"{row['deleted']:,}",
                    "—" if compared is None else f"{compared['source_rows']:,}/{compared['landed_rows']:,}",
                    "—" if compared is None else f"{compared['compared_at']:%m-%d %H:%M}",
                    len(row["remarks"]) or "",
                ]
            )
            noted += [
                [f"{one['source']}.{row['table']}", KINDS[about["kind"]], about["text"]]
                for about in row["remarks"]
            ]
    console.table(
        "逐表",
        ["表", "名称", "最近到数", "已落地行", "其中删除", "来源/落地（比对时）", "比对时间", "留意"],
        lines,
        right={3, 4, 5, 7},
    )
    if noted:
        console.table("需要留意", ["表", "种类", "内容"], noted)
