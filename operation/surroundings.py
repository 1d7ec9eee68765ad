"""What stands in place of the containers' environment when services run as processes of this machine?"""

import os
import socket
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from operation.services import Service
from wangting import settings
from wangting.errors import WangtingError

HOST = "127.0.0.1"
_SUPERSET = settings.REPOSITORY / ".venv-superset"


def port(service: Service) -> int:
    """The port of a service that has one: its setting, or its usual one.

    Raises:
        WangtingError: the setting is no port.
    """
    assert service.port is not None  # asked of services that have one
    said = os.environ.get(service.port.setting) or str(service.port.usual)
    if not said.isdigit() or not 1 <= int(said) <= 65535:
        raise WangtingError(
            f"「{said}」不是端口", place=service.port.setting, mend="写作 1 到 65535 之间的数"
        )
    return int(said)


def address(service: Service) -> str:
    """Where people and other services find it."""
    return f"http://{HOST}:{port(service)}"


def require_free_ports(services: Iterable[Service]) -> None:
    """Ask for every port before anything is started.

    Raises:
        WangtingError: one is taken, or wanted twice; it names port, service and setting.
    """
    wanted: dict[int, Service] = {}
    for service in services:
        if service.port is None:
            continue
        number = port(service)
        if number in wanted:
            raise WangtingError(
                f"{wanted[number].title}和{service.title}要用同一个端口 {number}",
                place=service.port.setting,
                mend=f"给 {service.port.setting} 换一个端口",
            )
        wanted[number] = service
        with socket.socket() as probe:
            # As servers do: a port whose last connections are still closing is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, number))
            except OSError as error:
                raise WangtingError(
                    f"{service.title}要用的端口 {number} 不能用（{error.strerror or error}）",
                    place=f"{HOST}:{number}",
                    mend=f"停掉占用它的程序，或用环境变量 {service.port.setting} 换一个端口",
                ) from None


def environment(services: Mapping[str, Service]) -> dict[str, str]:
    """What all processes are started with: this command's own environment and where everything is."""
    found = {
        **os.environ,
        "WANGTING_HOME": str(settings.home()),
        "WANGTING_SITE": str(settings.site_path()),
        "PYTHONUNBUFFERED": "1",
    }
    found.pop("PYTHONDONTWRITEBYTECODE", None)
    for service in services.values():
        if service.port is not None:
            name = service.port.setting.removesuffix("_PORT")
            found |= {service.port.setting: str(port(service)), f"{name}_ADDRESS": address(service)}
    return found


def of(service: Service, shared: Mapping[str, str]) -> dict[str, str]:
    """The environment of one service's process: the shared one, its own programs first on the path."""
    folder = programs(service)
    mine = {**shared, "PATH": f"{folder}{os.pathsep}{shared.get('PATH', os.defpath)}"}
    mine.pop("VIRTUAL_ENV", None)
    if service.image == "superset":
        mine["WANGTING_SUPERSET_BUNDLE"] = str(bundle())
    return mine


def bundle() -> Path:
    """Where the dashboards' definitions are written for Superset to take in."""
    return settings.home() / "superset" / "assets"


def programs(service: Service) -> Path:
    """Where the programs lie that a service's command names.

    Raises:
        WangtingError: Superset's environment has not been made.
    """
    if service.image == "pipeline":
        return Path(sys.executable).parent
    given = os.environ.get("WANGTING_SUPERSET_VENV")
    folder = (Path(given).absolute() if given else _SUPERSET) / "bin"
    if not (folder / "python").exists():
        raise WangtingError(
            "Superset 的环境还没有准备", place=str(folder.parent), mend="运行 make env-superset"
        )
    return folder


def words(service: Service) -> list[str]:
    """The command of a service as it is started here: the declared words, the program looked up among its own."""
    program = programs(service) / service.command[0]
    return [str(program), *service.command[1:]]
