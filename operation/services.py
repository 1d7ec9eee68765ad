"""What does docker-compose.yml declare? Its services, as far as starting them without containers needs it."""

import re
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from wangting import settings
from wangting.errors import WangtingError

FILE = settings.REPOSITORY / "docker-compose.yml"
PROBE = "operation/probe.py"
_PORT = re.compile(r"\$\{(WANGTING_\w+_PORT):-(\d+)\}:(\d+)$")

Condition = Literal["service_started", "service_healthy", "service_completed_successfully"]


class _Declared(BaseModel):
    # Everything else in the file is for containers; its form is checked against the schema of the specification.
    model_config = ConfigDict(extra="ignore")


class _Health(_Declared):
    test: list[str]


class _Dependency(_Declared):
    condition: Condition


class _Build(_Declared):
    dockerfile: str


class _Service(_Declared):
    labels: dict[str, str] = Field(default_factory=dict)
    command: list[str] = Field(default_factory=list)
    build: _Build | None = None
    healthcheck: _Health | None = None
    depends_on: dict[str, _Dependency] = Field(default_factory=dict)
    ports: list[str] = Field(default_factory=list)
    profiles: list[str] = Field(default_factory=list)


@dataclass(frozen=True)
class Port:
    """Where a service listens: the setting that chooses the port, and the port without it."""

    setting: str
    usual: int


@dataclass(frozen=True)
class Service:
    """One service that can run as a process here: its image is made from this repository.

    Attributes:
        name, title: in the file; for people.
        command: what runs, word by word.
        probe: the words after the probe's name in the health check; None: it has none, or another one.
        needs: other services → what must be true of them before this one starts.
        image: whose environment it runs in.
        port: where it is looked at from outside, if it is.
        is_once: it ends by itself; others wait for its success.
        is_demo: it belongs to the simulated city.
    """

    name: str
    title: str
    command: tuple[str, ...]
    probe: tuple[str, ...] | None
    needs: dict[str, Condition]
    image: Literal["pipeline", "superset"]
    port: Port | None
    is_once: bool
    is_demo: bool


def declared(file: Path = FILE) -> dict[str, Service]:
    """The services of the file that run here, each after those it needs.

    Raises:
        WangtingError: the file is missing or says something that cannot be started.
    """
    import yaml

    try:
        content: dict[str, Any] = yaml.safe_load(file.read_text("utf-8"))
        found = {name: _Service.model_validate(about) for name, about in content["services"].items()}
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError) as error:
        reason = str(error).splitlines()[0]
        raise WangtingError(f"服务声明读不了：{reason}", place=str(file), mend="改正该文件") from error
    awaited = {
        name
        for service in found.values()
        for name, about in service.depends_on.items()
        if about.condition == "service_completed_successfully"
    }
    ours = {name: about for name, about in found.items() if about.build is not None}
    order = TopologicalSorter({name: set(about.depends_on) & set(ours) for name, about in ours.items()})
    return {name: _service(name, ours[name], name in awaited, set(ours)) for name in order.static_order()}


def _service(name: str, about: _Service, is_once: bool, ours: set[str]) -> Service:
    assert about.build is not None  # only those are asked for
    test = about.healthcheck.test if about.healthcheck else []
    port = next((match for each in about.ports if (match := _PORT.search(each))), None)
    return Service(
        name=name,
        title=about.labels.get("wangting.title", name),
        command=tuple(about.command),
        probe=tuple(test[3:]) if PROBE in test else None,
        needs={other: each.condition for other, each in about.depends_on.items() if other in ours},
        image="superset" if "superset" in about.build.dockerfile else "pipeline",
        port=Port(port[1], int(port[2])) if port else None,
        is_once=is_once,
        is_demo="demo" in about.profiles,
    )
