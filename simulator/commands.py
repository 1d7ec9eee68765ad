"""`wangting simulate`: bring the simulated city up, move it on, ask how it is, take it down."""

import json
import shutil
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from wangting import clock, console, locks, settings
from wangting.errors import WangtingError
from wangting.site import current_site

app = typer.Typer(help="模拟城市与省平台：启动、推进、查看、停止", no_args_is_help=True)


class Dialect(StrEnum):
    """In which words the province of this city takes records."""

    XML = "xml"
    JSON = "json"
    FRONT_END = "front_end"


class Route(StrEnum):
    """By which way they come to it."""

    DIRECT = "direct"
    SHARING_PLATFORM = "sharing_platform"


AsJson = Annotated[bool, typer.Option("--json", help="以 JSON 输出")]


def _start_parts(home: Path, dialect: str, route: str) -> None:
    """Start the databases, the services and the province, and write down how to reach them and in which words."""
    from simulator import province, services
    from simulator.postgres import Server
    from simulator.systems import SYSTEMS

    server = Server(home / "simulator" / "postgres")
    server.start()
    connections = {
        "UNIFIED_PLATFORM_URL": server.url("unified_platform"),
        "HOUSING_BUREAU_URL": server.url("housing_bureau"),
        "TOWN_STATION_DROP": str(home / "simulator" / "drop" / "town_station"),
        **services.start(home),
    }
    for system in SYSTEMS:
        connections |= system.start(home)
    database = None
    if dialect == "front_end":
        server.make_database("front_end")
        database = server.url("front_end")
    connections |= province.start(home, front_end=database)
    if route == "sharing_platform":
        connections |= province.start_sharing_platform(home, connections)
    own = current_site().province
    if (dialect, route) != (own.dialect, own.route):
        connections |= {"PROVINCE_DIALECT": dialect, "PROVINCE_ROUTE": route}
    path = home / "simulator" / "connections.json"
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps(connections, indent=1), "utf-8")
    draft.chmod(0o600)
    draft.replace(path)


def _stop_parts(home: Path) -> list[str]:
    from simulator import province, services
    from simulator.postgres import Server
    from simulator.systems import SYSTEMS

    stopped = [system.name for system in SYSTEMS if system.stop(home)]
    if services.stop(home):
        stopped.append("services")
    if province.stop(home):
        stopped.append("province")
    server = Server(home / "simulator" / "postgres")
    if server.data.exists() and server.is_running():
        server.stop()
        stopped.append("postgres")
    (home / "simulator" / "connections.json").unlink(missing_ok=True)
    return stopped


def _known(home: Path) -> dict[str, Any]:
    from simulator import city

    state = city.remembered(home)
    if state is None:
        raise WangtingError("还没有模拟城市", place=str(home), mend="先运行 wangting simulate up")
    return state


_USUAL: dict[str, Any] = {"cases": 50_000, "seed": 7, "defects": 0.01}


def create_or_start(
    cases: int | None = None,
    seed: int | None = None,
    defects: float | None = None,
    dialect: str | None = None,
    route: str | None = None,
) -> dict[str, Any]:
    """Make the city, or start the servers of the one that is there; raises where that is another city.

    Args:
        cases, seed, defects: of the city; None: as the one that is there has it, and of a new one the usual.
        dialect, route: in which words and by which way its province takes records; None: as the site says.
    """
    own = current_site().province
    dialect, route = dialect or own.dialect, route or ("direct" if dialect == "front_end" else own.route)
    if dialect == "front_end" and route != "direct":
        raise WangtingError("前置库没有经共享平台的路由", place="--route", mend="改为 direct，或换一种报文")
    from simulator import city

    home = settings.home()
    state = city.remembered(home)
    usual = _USUAL if state is None else {name: state[name] for name in _USUAL}
    given = {"cases": cases, "seed": seed, "defects": defects}
    wanted = city.Settings(**usual | {name: value for name, value in given.items() if value is not None})
    if state is not None:
        known = city.Settings(**usual)
        if known != wanted:
            raise WangtingError(
                f"这里已有另一座模拟城市（办件 {known.cases}，种子 {known.seed}，缺陷比例 {known.defects}）",
                place=str(home),
                mend="用相同的参数启动它，或先运行 wangting simulate down --remove 再建新的",
            )
        _start_parts(home, dialect, route)
        return {"created": False, **_summary(home, state)}
    if clock.simulated() is None and (home / "ledger.sqlite").exists():
        raise WangtingError(
            "此目录已有真实运行的台账，不能在其中建立模拟城市",
            place=str(home),
            mend="用 WANGTING_HOME 指定另一个目录",
        )
    if not 1_000 <= wanted.cases <= 5_000_000:
        raise WangtingError(
            f"办件数 {wanted.cases} 超出范围", place="--cases", mend="取 1000 到 5000000 之间的数"
        )
    if not 0 <= wanted.defects <= 0.2:
        raise WangtingError(
            f"缺陷比例 {wanted.defects} 超出范围", place="--defects", mend="取 0 到 0.2 之间的数"
        )
    with console.progress("建立模拟城市", total=wanted.cases) as step:
        made = city.City(home, settings.site_path(), wanted).create(
            lambda done, total, text: step(done, total=total, text=text)
        )
    clock.set_simulated(city.START)
    _start_parts(home, dialect, route)
    return {"created": True, **made, **_summary(home, _known(home))}


def _summary(home: Path, state: dict[str, Any]) -> dict[str, Any]:
    return {
        "clock": state["emitted_until"],
        "cases": state["cases"],
        "seed": state["seed"],
        "defect_share": state["defects"],
        "absent": state.get("absent", []),
        "home": home,
    }


def _show(title: str, data: dict[str, Any]) -> None:
    labels = {
        "created": "新建",
        "cases": "截至起始时钟的办件",
        "rows": "写入来源系统的行",
        "new_cases": "新申办",
        "files": "镇街登记表",
        "clock": "模拟时钟",
        "seed": "随机种子",
        "defect_share": "缺陷比例",
        "postgres": "数据库",
        "services": "接口服务",
        "province": "省平台",
        "cases_as_emitted": "已出现的办件",
        "cases_as_happened": "实际发生的办件",
        "records": "已出现的记录",
        "defects": "已出现的缺陷",
        "absent": "本机不可用的系统",
        "home": "目录",
        "steps": "推进次数",
        "stopped": "已停止",
        "removed": "已删除",
    }
    shown = {True: "是", False: "否"}
    lines = [
        [
            labels.get(name, name),
            shown[value]
            if isinstance(value, bool)
            else "、".join(value) or "无"
            if isinstance(value, list)
            else value,
        ]
        for name, value in data.items()
    ]
    console.table(title, ["项目", "值"], lines)


@app.command()
def up(
    cases: Annotated[
        int | None,
        typer.Option(
            help=f"截至起始时钟（2017-11-30 18:00）申办的办件数；不写则沿用已有的城市，新建为 {_USUAL['cases']}"
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help=f"随机种子；不写则沿用已有的城市，新建为 {_USUAL['seed']}")
    ] = None,
    defects: Annotated[
        float | None, typer.Option(help=f"带缺陷的办件比例；不写则沿用已有的城市，新建为 {_USUAL['defects']}")
    ] = None,
    dialect: Annotated[
        Dialect | None, typer.Option(help="省平台的报文：XML、JSON 或前置库；不写则按站点")
    ] = None,
    route: Annotated[Route | None, typer.Option(help="直连省平台，或经市共享平台；不写则按站点")] = None,
    as_json: AsJson = False,
) -> None:
    """建立并启动模拟城市与省平台；已建立的同一座城市只重新启动服务。"""
    with locks.writer("simulator"):
        data = create_or_start(
            cases, seed, defects, dialect.value if dialect else None, route.value if route else None
        )
    console.emit(data, as_json=as_json, show=lambda each: _show("模拟城市已启动", each))


@app.command()
def down(
    remove: Annotated[bool, typer.Option("--remove", help="同时删除模拟城市的全部数据与模拟时钟")] = False,
    as_json: AsJson = False,
) -> None:
    """停止模拟城市与省平台的服务；数据保留，除非 --remove。"""
    home = settings.home()
    with locks.writer("simulator"):
        data: dict[str, Any] = {"stopped": _stop_parts(home), "removed": remove}
        if remove:
            shutil.rmtree(home / "simulator", ignore_errors=True)
            (home / "clock.json").unlink(missing_ok=True)
    console.emit(data, as_json=as_json, show=lambda each: _show("模拟城市已停止", each))


def advance_by(hours: float) -> dict[str, Any]:
    """Move the clock on and emit what became visible since the last emission; the clock may have moved meanwhile."""
    from datetime import date

    from simulator import city

    home = settings.home()
    state = _known(home)
    since = datetime.fromisoformat(state["emitted_until"])
    until = max(clock.now(), since) + timedelta(hours=hours)
    world = city.City(
        home, settings.site_path(), city.Settings(state["cases"], state["seed"], state["defects"])
    )
    if not world.server.is_running():
        raise WangtingError("模拟城市没有运行", place=str(home), mend="先运行 wangting simulate up")
    made = world.advance(since, until, date.fromisoformat(state["generated"]))
    clock.set_simulated(max(until, clock.now()))  # a push that waits moves it too
    return {**made, **_summary(home, _known(home))}


@app.command()
def advance(
    hours: Annotated[float, typer.Option(help="推进的小时数")] = 24.0,
    as_json: AsJson = False,
) -> None:
    """推进模拟时钟：新的申办、后续环节、更正与迟到的数据随之出现。"""
    if hours <= 0:
        raise WangtingError("推进的小时数必须大于零", place="--hours", mend="例如 --hours 24")
    with locks.writer("simulator"), console.progress("推进模拟城市") as step:
        data = advance_by(hours)
        step(1, total=1)
    console.emit(data, as_json=as_json, show=lambda each: _show("模拟城市已推进", each))


@app.command()
def tick(
    every: Annotated[
        float, typer.Option(help="每隔多少真实秒推进一次", min=0.1, envvar="WANGTING_TICK_SECONDS")
    ] = 60.0,
    minutes: Annotated[
        float, typer.Option(help="每次推进的模拟分钟数", min=1.0, envvar="WANGTING_TICK_MINUTES")
    ] = 10.0,
    cases: Annotated[
        int, typer.Option(help="还没有城市时，新建城市的办件数", envvar="WANGTING_SIMULATED_CASES")
    ] = _USUAL["cases"],
    as_json: AsJson = False,
) -> None:
    """让城市自己走：启动它，然后定时推进，直到收到停止信号；由此启动的服务随之停止。"""
    from simulator import city, services, ticking

    home = settings.home()

    def start() -> bool:
        if services.is_running(home):
            return False
        create_or_start(cases if city.remembered(home) is None else None)
        return True

    ticked = ticking.tick(home, every, start, lambda: advance_by(minutes / 60), lambda: _stop_parts(home))
    data = {"steps": ticked.steps, "clock": ticked.clock}
    console.emit(data, as_json=as_json, show=lambda each: _show("模拟城市停止走动", each))


@app.command()
def status(as_json: AsJson = False) -> None:
    """查看模拟城市：时钟、办件、各服务是否在运行。"""
    import duckdb

    from simulator import province, services
    from simulator.postgres import Server
    from wangting.engine import literal

    home = settings.home()
    state = _known(home)
    true = home / "simulator" / "truth"
    counts = {}
    for name in ("cases_as_emitted", "cases_as_happened", "records", "defects"):
        found = duckdb.execute(
            f"select count(*) from read_parquet({literal(true / f'{name}.parquet')})"
        ).fetchone()
        counts[name] = found[0] if found else 0
    data = {
        **_summary(home, state),
        "postgres": Server(home / "simulator" / "postgres").is_running(),
        "services": services.is_running(home),
        "province": province.is_running(home),
        **counts,
    }
    console.emit(data, as_json=as_json, show=lambda each: _show("模拟城市", each))
