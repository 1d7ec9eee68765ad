"""`wangting up` and `wangting down`."""

import sys
from dataclasses import asdict
from typing import Annotated, Any

import typer

from wangting import console, settings

Json = Annotated[bool, typer.Option("--json", help="输出 JSON")]


def _tell(text: str) -> None:
    sys.stderr.write(f"· {text}\n")
    sys.stderr.flush()


def up(
    simulate: Annotated[bool, typer.Option(help="连同模拟城市与省平台，并让它走动")] = True,
    superset: Annotated[bool, typer.Option(help="连同看板（Superset）")] = True,
    first_run: Annotated[bool, typer.Option(help="还没有发布过数据时，先把全程跑一遍")] = True,
    cases: Annotated[int, typer.Option(help="还没有城市时，新建城市的办件数")] = 50_000,
    as_json: Json = False,
) -> None:
    """启动并保持运行：调度平台、看板、首页、模拟城市；已在运行的不动，停了的补上。"""
    from operation import up as bringing
    from operation.logins import logins

    found = bringing.up(simulate=simulate, superset=superset, first_run=first_run, cases=cases, tell=_tell)
    known = logins(state.name for state in found)
    data = {"services": [asdict(state) for state in found], "logins": known, "home": settings.home()}

    def show(_: Any) -> None:
        lines = [
            [state.title, "正常" if state.is_well else state.reason, state.address or "", state.pid or ""]
            for state in found
        ]
        console.table("正在运行", ["服务", "状态", "地址", "进程"], lines, right={3})
        console.table(
            "登录",
            ["系统", "用户名", "密码在哪里"],
            [list(login.values()) for login in known],
        )
        console.say(f"日志在 {settings.home() / 'logs'}；停止：wangting down")

    console.emit(data, as_json=as_json, show=show)
    if not all(state.is_well for state in found):
        raise typer.Exit(1)


def down(as_json: Json = False) -> None:
    """全部停止；数据保留。"""
    from operation import up as bringing

    stopped = bringing.down(_tell)
    console.emit(
        {"stopped": stopped},
        as_json=as_json,
        show=lambda _: console.say(f"已停止 {len(stopped)} 个服务" if stopped else "没有在运行的服务"),
    )
