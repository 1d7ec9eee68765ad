"""`wangting site check`: is everything there that a site needs?"""

from typing import Annotated, Any

import typer

from wangting import console

app = typer.Typer(help="站点：检查所需是否齐全", no_args_is_help=True)


@app.callback()
def _all() -> None:
    """站点：检查所需是否齐全。"""


@app.command()
def check(
    site: Annotated[str | None, typer.Option(help="站点名或目录；不写则为 WANGTING_SITE 所指")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON")] = False,
) -> None:
    """说出站点缺什么、错在哪里、怎么改；不连接任何系统。"""
    from wangting import settings, site_folders
    from wangting.site_check import examine

    path = settings.site_path() if site is None else site_folders.named(site)
    found = examine(path)
    console.emit(found.summary(), as_json=as_json, show=_show)
    if not found.is_sound:
        raise typer.Exit(1)


def _show(data: dict[str, Any]) -> None:
    console.say(f"{data['title'] or '站点'}（{data['path']}）", bold="站点 ")
    for name, about in data["parts"].items():
        console.say(f"  {name}：{about}")
    marks = {"error": "错误", "warning": "提醒"}
    for one in data["findings"]:
        console.say(f"{marks[one['severity']]}：【{one['place']}】{one['what']}；{one['mend']}。")
    errors = sum(one["severity"] == "error" for one in data["findings"])
    warnings = len(data["findings"]) - errors
    console.say("一切齐全" if not data["findings"] else f"错误 {errors} 处，提醒 {warnings} 处")
