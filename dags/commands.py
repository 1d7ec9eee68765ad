"""`wangting run`: the city, every DAG once, the status screen."""

import os
import subprocess
import sys
import time
from dataclasses import asdict
from typing import Annotated

import typer

from wangting import console, settings


def run(
    cases: Annotated[int, typer.Option(help="模拟城市的办件数")] = 50_000,
    seed: Annotated[int, typer.Option(help="随机种子，同一种子得到同一城市")] = 7,
    simulate: Annotated[bool, typer.Option(help="先启动模拟城市与省平台")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON")] = False,
) -> None:
    """全程跑一遍：取数、构建、检验、推送、发布，最后显示状态。"""
    from dags import in_one_process

    started = time.monotonic()
    log = settings.home() / "logs" / "run.log"
    city = None
    if simulate:
        command = [
            sys.executable,
            "-m",
            "wangting.cli",
            "simulate",
            "up",
            "--cases",
            str(cases),
            "--seed",
            str(seed),
        ]
        if as_json:
            command.append("--json")
        city = subprocess.Popen(
            command, stdout=sys.stderr, env=os.environ | {"WANGTING_HOME": str(settings.home())}
        )
    # Airflow needs as long to get ready as the city: side by side on two cores.
    with in_one_process.quiet(log):
        in_one_process.prepare()
    if city is not None and city.wait() != 0:
        raise typer.Exit(1)
    ready = time.monotonic()
    with console.progress("运行各项任务") as step:

        def tell(title: str, number: int, of: int) -> None:
            step(number - 1, total=of, text=title)
            if not sys.stderr.isatty():
                sys.stderr.write(f"[{number}/{of}] {title}\n")

        outcomes = in_one_process.run_all(log, tell)
    seconds = {"prepare": round(ready - started, 1), "job": round(time.monotonic() - ready, 1)}
    failed = [outcome for outcome in outcomes if outcome.state != "success"]
    from exchange.commands import show_status, status_data

    status = status_data()
    report = {"seconds": seconds, "dags": [asdict(outcome) for outcome in outcomes], "status": status}

    def show(_: object) -> None:
        show_status(status)
        console.say(f"准备 {seconds['prepare']} 秒，任务 {seconds['job']} 秒；日志 {log}")

    console.emit(report, as_json=as_json, show=show)
    if failed:
        for outcome in failed:
            tasks = "、".join(outcome.failed_tasks)
            for reason in outcome.reasons or [f"原因见 {log}，改正后再运行即从断点继续。"]:
                sys.stderr.write(f"错误：{outcome.title}（{tasks}）没有成功：{reason}\n")
        raise typer.Exit(1)
