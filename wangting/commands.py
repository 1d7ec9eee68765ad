"""`wangting build`, `publish` and `metric`."""

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
