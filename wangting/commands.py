"""`wangting build`, `publish` and `metric`."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any, Literal

import typer

from wangting import console

Json = Annotated[bool, typer.Option("--json", help="输出 JSON")]
LANES = {"exchange": "交换", "warehouse": "数仓"}
MODES = {"full": "全量", "incremental": "增量", "repeat": "续做", "none": "无需构建"}


def build(
    lane: Annotated[
        Literal["exchange", "warehouse"] | None, typer.Argument(help="只构建一条泳道；不写则两条都构建")
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="从头全量重建")] = False,
    as_json: Json = False,
) -> None:
    """构建交换记录与数据仓库：只做新到的部分。"""
    from wangting.build import build as build_lane

    lanes: tuple[Literal["exchange", "warehouse"], ...] = (lane,) if lane else ("exchange", "warehouse")
    done = [build_lane(each, full).summary() for each in lanes]

    def show(rows: list[dict[str, Any]]) -> None:
        console.table(
            "构建",
            ["泳道", "方式", "原因", "新到批次", "模型", "检验", "秒"],
            [
                [
                    LANES[row["lane"]],
                    MODES[row["mode"]],
                    row["reason"],
                    row["new_loads"],
                    row["models"],
                    row["tests"],
                    row["seconds"],
                ]
                for row in rows
            ],
            right={3, 4, 5, 6},
        )

    console.emit(done, as_json=as_json, show=show)


def publish(as_json: Json = False) -> None:
    """发布：把通过检验的数据集市交给读者。"""
    from dataclasses import asdict

    from wangting.publish import publish as publish_marts

    release = asdict(publish_marts())

    def show(row: dict[str, Any]) -> None:
        state = "已发布" if row["is_new"] else "没有新内容，当前版本"
        console.say(f"{state} {row['name']}（{row['bytes'] / 1e6:.1f} MB，构建 {row['build_id']}）")

    console.emit(release, as_json=as_json, show=show)


def metric(
    code: Annotated[
        str | None, typer.Argument(help="指标代码，如 online_application_rate；不写则列出所有指标")
    ] = None,
    period: Annotated[
        str | None,
        typer.Option(help="2017-11、2017-Q4、2017-H2、2017、2017-01..2017-11、..2017-11；默认一月以来累计"),
    ] = None,
    unit: Annotated[str | None, typer.Option(help="部门（组织机构代码）")] = None,
    level: Annotated[str | None, typer.Option(help="层级：municipal、county、town")] = None,
    region: Annotated[str | None, typer.Option(help="县区或镇街（12 位代码）")] = None,
    theme: Annotated[str | None, typer.Option(help="主题代码，如 P01、L05")] = None,
    channel: Annotated[str | None, typer.Option(help="提交方式：0 窗口、1 网上、8 快递")] = None,
    subject: Annotated[
        str | None, typer.Option(help="licence 行政许可、public_service 公共服务；默认按指标")
    ] = None,
    variant: Annotated[str | None, typer.Option(help="口径；默认正式口径")] = None,
    proof: Annotated[bool, typer.Option("--proof", help="列出分母的每一件，并标明是否在分子")] = False,
    by: Annotated[
        list[str] | None,
        typer.Option(help="按维度切分：unit、county、region、level、channel、month 等，可写几次"),
    ] = None,
    limit: Annotated[int, typer.Option(help="屏幕上最多列几件；--json 列出全部")] = 50,
    known_at: Annotated[
        datetime | None, typer.Option("--known-at", help="按那一刻已到的数据重算，如 2017-12-01T08:00:00")
    ] = None,
    units_on: Annotated[
        datetime | None,
        typer.Option("--units-on", formats=["%Y-%m-%d"], help="各期都按那一天的部门和区划重述"),
    ] = None,
    as_json: Json = False,
) -> None:
    """一个指标：数值、计数、目标、依据；加 --proof 列出背后的每一件。"""
    from wangting import figures, metric_screen
    from wangting.errors import WangtingError

    scopes = {"unit": unit, "level": level, "region": region, "theme": theme, "channel": channel}
    chosen = [(kind, value) for kind, value in scopes.items() if value is not None]
    if len(chosen) > 1:
        names = "、".join(f"--{kind}" for kind, _ in chosen)
        raise WangtingError("一次只能指定一个统计范围", place=names, mend="只留一个")
    if subject is not None and subject not in figures.SUBJECTS:
        raise WangtingError(f"不认识 {subject}", place="--subject", mend="用 licence 或 public_service")
    kind, value = chosen[0] if chosen else ("city", None)
    if code is None:
        asked = {"--subject": subject, "--variant": variant, "--proof": proof, "--by": by}
        for name in [name for name, given in asked.items() if given]:
            raise WangtingError(
                f"{name} 要与一个指标同用", place="指标代码", mend="写上代码，如 online_application_rate"
            )
        with _marts(known_at, units_on):
            listed = figures.every(period, kind, value)
        console.emit(listed, as_json=as_json, show=metric_screen.show_every)
        return
    question = figures.Question(code, period, kind, value, subject, variant)
    with _marts(known_at, units_on) as state:
        figure = figures.answer(question)
        behind = figures.proof(question) if proof else None
        cells = figures.cut(question, by) if by else None
    report = figure | state | ({"by": cells} if cells is not None else {})
    if behind is not None:
        report |= {"proof": behind["rows"], "loads": behind["loads"], "outside": behind["outside"]}

    def show(_: object) -> None:
        metric_screen.show(figure, behind, cells, by or [], limit)
        if state:
            restated = f"，按 {state['units_on']} 的部门和区划重述" if state["units_on"] else ""
            console.say(f"按 {state['known_at']} 已到的 {state['known_loads']} 批数据计算{restated}")

    console.emit(report, as_json=as_json, show=show)


@contextmanager
def _marts(known_at: datetime | None, units_on: datetime | None) -> Iterator[dict[str, Any]]:
    """The current release, or the state that is asked for instead; what to say of it."""
    if known_at is None and units_on is None:
        yield {}
        return
    from wangting import past, publish

    state = past.marts_as_of(known_at, units_on=units_on.date() if units_on else None)
    with publish.reading(state.file):
        yield {"known_at": state.as_of, "units_on": state.units_on, "known_loads": state.loads}
