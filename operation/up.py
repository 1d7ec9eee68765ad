"""Bringing everything up as processes of this machine, by what docker-compose.yml declares, and down again."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from operation import probe, processes, surroundings
from operation.services import Service, declared
from wangting import locks, publish, settings
from wangting.errors import WangtingError

HEALTHY_WITHIN = 300.0  # seconds; 85 have been measured on two busy cores
ONCE_WITHIN = 900.0
SETTLED_WITHIN = 60.0
SUPERSET = ("superset-init", "superset")
_PAUSE = 0.5

Tell = Callable[[str], None]


@dataclass(frozen=True)
class State:
    """A service as it is now: whether it is well, why not, where it is, what it writes."""

    name: str
    title: str
    is_well: bool
    reason: str
    address: str | None
    pid: int | None
    log: str


@contextmanager
def _alone() -> Iterator[None]:
    with locks.writer("operation", wait=5):
        yield


def wanted(*, simulate: bool, superset: bool) -> dict[str, Service]:
    """The services that are asked for, each after those it needs."""
    return {
        name: service
        for name, service in declared().items()
        if (simulate or not service.is_demo) and (superset or name not in SUPERSET)
    }


def up(*, simulate: bool, superset: bool, first_run: bool, cases: int, tell: Tell) -> list[State]:
    """Start what does not run yet, wait until all is well.

    Args:
        simulate: with the simulated city and its province, ticking; a city that is there keeps its size.
        superset: with the dashboards.
        first_run: go the whole way once before, where nothing has been published yet.
        cases: the size of a city that has to be made first.
        tell: is told each step, a Chinese sentence without full stop.

    Raises:
        WangtingError: a port is taken, a part cannot be started or is not well in time. What this call had started
            is stopped again.
    """
    with _alone():
        services = wanted(simulate=simulate, superset=superset)
        missing = [service for name, service in services.items() if processes.running(name) is None]
        surroundings.require_free_ports(missing)
        for service in services.values():
            surroundings.programs(service)
        environment = surroundings.environment(declared()) | {"WANGTING_SIMULATED_CASES": str(cases)}
        begun: list[str] = []
        try:
            _start_all(services, environment, first_run, begun, tell)
        except BaseException:
            for name in begun:
                processes.ask(name)
            for name in reversed(begun):
                processes.end(name, is_asked=True)
            raise
        return _settled(services)


def _settled(services: dict[str, Service]) -> list[State]:
    """How all are once everything has been started: on a busy machine an answer may come late, once."""
    deadline = time.monotonic() + SETTLED_WITHIN
    while True:
        found = states(services)
        if all(state.is_well for state in found) or time.monotonic() > deadline:
            return found
        time.sleep(_PAUSE)


def _start_all(
    services: dict[str, Service], environment: dict[str, str], first_run: bool, begun: list[str], tell: Tell
) -> None:
    # The city first: what else comes up reads from it. In containers it comes last, because it shares the
    # scheduler's loopback there.
    for service in services.values():
        if service.is_demo and _start(service, environment, begun, tell):
            _wait_until_well(service, environment, ONCE_WITHIN)
    if first_run and publish.current_release() is None:
        tell("还没有发布过数据：先把全程跑一遍")
        _run("first-run", ["wangting", "run", "--no-simulate", "--json"], environment, "全程运行")
    if "superset" in services and processes.running("superset") is None:
        tell("写出看板定义")
        folder = str(surroundings.bundle())
        _run("dashboards", ["wangting", "dashboards", "write", folder], environment, "看板定义")
    # What runs once has been done where anybody lives who waited for it.
    done = {
        other
        for name, service in services.items()
        if not service.is_once and processes.running(name) is not None
        for other in service.needs
    }
    fresh = []
    for name, service in services.items():
        if service.is_demo:
            continue
        for other, condition in service.needs.items():
            if condition == "service_healthy" and other in services:
                _wait_until_well(services[other], environment, HEALTHY_WITHIN)
        if not service.is_once:
            if _start(service, environment, begun, tell):
                fresh.append(service)
        elif name not in done:
            tell(service.title)
            # Superset's first preparation tells a password, once: no log shall keep it.
            _run(
                name,
                surroundings.words(service),
                surroundings.of(service, environment),
                service.title,
                shown=service.image == "superset",
            )
    for service in fresh:
        _wait_until_well(service, environment, HEALTHY_WITHIN)
        tell(f"{service.title}：正常")


def _start(service: Service, environment: dict[str, str], begun: list[str], tell: Tell) -> bool:
    """Start a service that does not run; False where it does."""
    if processes.running(service.name) is not None:
        return False
    tell(f"启动{service.title}")
    processes.end(service.name)  # what a killed predecessor may have left
    begun.append(service.name)
    processes.start(
        service.name,
        surroundings.words(service),
        surroundings.of(service, environment),
        settings.REPOSITORY,
    )
    return True


def _run(
    name: str, command: list[str], environment: dict[str, str], title: str, *, shown: bool = False
) -> None:
    """Run something to its end, its output in a log of its own name."""
    if command[0] == "wangting":
        command = [sys.executable, "-m", "wangting.cli", *command[1:]]
    since = _size(name)
    child = processes.start(name, command, environment, settings.REPOSITORY, shown=shown)
    try:
        code = child.wait(ONCE_WITHIN * 4 if name == "first-run" else ONCE_WITHIN)
    except subprocess.TimeoutExpired:
        code = None
    finally:
        processes.end(name)
    if code != 0:
        raise _failure(name, title, "没有按时完成" if code is None else f"失败（退出码 {code}）", since)


def _wait_until_well(service: Service, environment: dict[str, str], seconds: float) -> None:
    if service.probe is None:
        return
    since = _size(service.name)
    deadline = time.monotonic() + seconds
    while (reason := probe.fault(list(service.probe), environment)) is not None:
        if processes.running(service.name) is None:
            raise _failure(service.name, service.title, "启动后就结束了", since)
        if time.monotonic() > deadline:
            raise _failure(service.name, service.title, f"{seconds:.0f} 秒内没有就绪：{reason}", since)
        time.sleep(_PAUSE)
    # Somebody else may answer in its place.
    if processes.running(service.name) is None:
        raise _failure(service.name, service.title, "已经结束，它的地址上应答的是另一个程序", since)


def _size(name: str) -> int:
    log = processes.log_file(name)
    return log.stat().st_size if log.exists() else 0


def _failure(name: str, title: str, what: str, since: int) -> WangtingError:
    log = processes.log_file(name)
    said = processes.last_words(name, max(0, since - 4000))
    if said and "--json" not in sys.argv:
        sys.stderr.write(f"—— {log} 的最后几行：\n{said}\n")
    return WangtingError(f"{title}{what}", place=name, mend=f"按日志 {log} 改正后再运行，已启动的部分会续用")


def states(services: dict[str, Service]) -> list[State]:
    """How each of these services is now; those that only run once are left out."""
    environment = surroundings.environment(declared())
    found = []
    for name, service in services.items():
        if service.is_once:
            continue
        known = processes.running(name)
        reason = "没有运行" if known is None else None
        if known is not None and service.probe is not None:
            reason = probe.fault(list(service.probe), environment)
        found.append(
            State(
                name=name,
                title=service.title,
                is_well=reason is None,
                reason=reason or "",
                address=surroundings.address(service) if service.port else None,
                pid=known.pid if known else None,
                log=str(processes.log_file(name)),
            )
        )
    return found


def down(tell: Tell) -> list[str]:
    """End everything that `up` started here, also what a crash left of it, and the simulated city's servers.

    Returns:
        the services that were still alive, the last started first.
    """
    with _alone():
        order = list(declared())
        names = sorted(processes.noted(), key=lambda name: order.index(name) if name in order else -1)
        titles = {name: service.title for name, service in declared().items()}
        alive = {name for name in names if processes.running(name) is not None}
        # All at once: each takes seconds to put its things away.
        for name in alive:
            processes.ask(name)
        stopped = []
        for name in reversed(names):
            tell(f"停止{titles.get(name, name)}")
            if processes.end(name, is_asked=name in alive) or name in alive:
                stopped.append(name)
        if (settings.home() / "simulator" / "connections.json").exists():
            stopped += _stop_city()
        return stopped


def _stop_city() -> list[str]:
    """What of the simulated city still ran."""
    done = subprocess.run(
        [sys.executable, "-m", "wangting.cli", "simulate", "down", "--json"],
        capture_output=True,
        text=True,
        env=os.environ | {"WANGTING_HOME": str(settings.home())},
        check=False,
    )
    told: dict[str, Any] = json.loads(done.stdout) if done.stdout.strip() else {}
    if done.returncode:
        raise WangtingError(
            f"模拟城市没有停下：{told.get('error', done.stderr.strip()[-300:])}",
            place=str(told.get("place", "")),
            mend=str(told.get("mend", "运行 wangting simulate down")),
        )
    return [f"simulator/{part}" for part in told["stopped"]]
