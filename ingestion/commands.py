"""`wangting pull` and `wangting sources`."""

from typing import Annotated, Any

import typer

from wangting import console

AsJson = Annotated[bool, typer.Option("--json", help="输出 JSON")]


def pull(
    source: Annotated[list[str] | None, typer.Argument(help="来源名称；不写则全部")] = None,
    full: Annotated[bool, typer.Option("--full", help="从头核对全表，补上尚未落地的行")] = False,
    as_json: AsJson = False,
) -> None:
    """抽取各来源的新数据并落地。"""
    from ingestion import pulling
    from wangting.site import current_site

    site = current_site()
    total = sum(len(spec.tables) for spec in site.sources if not source or spec.name in source)
    with console.progress("抽取", total) as step:
        results: list[pulling.LoadResult] = []

        def told(result: pulling.LoadResult) -> None:
            results.append(result)
            step(len(results), text=f"抽取 {result.source}.{result.table}")

        pulling.pull(source, full=full, told=told)
    console.emit([result.summary() for result in results], as_json=as_json, show=_show_pull)
    if not all(result.is_ok for result in results):
        raise typer.Exit(1)


def sources(as_json: AsJson = False) -> None:
    """列出各来源系统：最近抽取、已落地行数、是否沉默。"""
    from ingestion.overview import overview

    console.emit(overview(), as_json=as_json, show=_show_sources)


def _show_pull(results: list[dict[str, Any]]) -> None:
    states = {"committed": "已落地", "empty": "无新数据", "failed": "失败"}
    console.table(
        "抽取结果",
        ["来源", "表", "结果", "新行", "大小 KB", "秒"],
        [
            [
                one["source"],
                one["table"],
                states[one["state"]],
                f"{one['rows']:,}",
                one["bytes"] // 1024,
                f"{one['seconds']:.1f}",
            ]
            for one in results
        ],
        right={3, 4, 5},
    )
    for kind, mark in (("warnings", "提醒"), ("errors", "错误")):
        for sentence in dict.fromkeys(sentence for one in results for sentence in one[kind]):
            console.say(f"{mark}：{sentence}")


def _show_sources(systems: list[dict[str, Any]]) -> None:
    from ingestion.overview import STATES

    console.table(
        "来源系统",
        ["来源", "责任单位", "接入", "表", "最近抽取", "已落地行", "沉默/上限（时）", "状态"],
        [
            [
                f"{one['title']} {one['source']}",
                one["owner"],
                one["connector"],
                one["tables"],
                f"{one['last_load_at']:%m-%d %H:%M}" if one["last_load_at"] else "—",
                f"{one['rows']:,}",
                "—"
                if one["silence_hours"] is None
                else f"{one['silence_hours']:.1f}/{one['silent_after_hours']}",
                STATES[one["state"]],
            ]
            for one in systems
        ],
        right={3, 5, 6},
    )
    for sentence in dict.fromkeys(one["error"] for one in systems if one["error"]):
        console.say(f"错误：{sentence}")
