"""`wangting docs`."""

from dataclasses import asdict
from typing import Annotated, Any

import typer

from wangting import console


def docs(as_json: Annotated[bool, typer.Option("--json", help="输出 JSON")] = False) -> None:
    """写出数据仓库的说明页面（模型、字段、来龙去脉、术语），一个文件，离线可看。"""
    from wangting.docs import write

    done = asdict(write())

    def show(row: dict[str, Any]) -> None:
        console.say(f"{row['page']}（{row['models']} 个模型，{row['bytes'] / 1e6:.1f} MB）")

    console.emit(done, as_json=as_json, show=show)
