"""A province to push to: the published interface in all its dialects, with its own validation and its bad days."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from simulator import processes


def _folder(home: Path) -> Path:
    return home.absolute() / "simulator" / "province"


def _relay_folder(home: Path) -> Path:
    return home.absolute() / "simulator" / "sharing_platform"


def start(
    home: Path,
    specification: Path | None = None,
    override: Path | None = None,
    *,
    aliases: Mapping[str, Any] | None = None,
    signed: bool = False,
    front_end: str | None = None,
) -> dict[str, str]:
    """Start the province (or find it running) and return what a sender must know.

    Args:
        home: WANGTING_HOME; the province keeps its data, token and log in `simulator/province` under it.
        specification: folder of published files to validate by; default: the project's newest.
        override: a site's agreed deviations (`specification.yml`).
        aliases: what it calls otherwise than the published text, as a site's `province.aliases` words it.
        signed: requests must be signed.
        front_end: the address of a PostgreSQL database whose EX_ rows it collects.

    Returns:
        PROVINCE_URL and PROVINCE_TOKEN; PROVINCE_SIGN_KEY and PROVINCE_SIGN_SECRET where requests must be signed;
        FRONT_END_URL where it collects. Secrets are made once a home.

    Raises:
        WangtingError: the server did not become healthy; its own words say why.
    """
    folder = _folder(home)
    arguments: list[str] = []
    if specification is not None:
        arguments += ["--specification", str(specification.absolute())]
    if override is not None:
        arguments += ["--override", str(override.absolute())]
    if aliases:
        arguments += ["--aliases", json.dumps(aliases, ensure_ascii=False, sort_keys=True)]
    if signed:
        arguments.append("--signed")
    secrets_of = {}
    if front_end is not None:
        parts = urlsplit(front_end)
        arguments += ["--front-end", f"{parts.hostname or ''}:{_port(parts.netloc)}{parts.path}"]
        secrets_of["COLLECTED_DATABASE_URL"] = front_end
    url = processes.start(
        home.absolute(), folder, "simulator.province.server", arguments, "省平台模拟服务", secrets_of
    )
    found = {"PROVINCE_URL": url, "PROVINCE_TOKEN": processes.secret(folder / "token")}
    if signed:
        from simulator.province.server import SIGN_KEY

        secret = processes.secret(folder / "sign.secret")
        found |= {"PROVINCE_SIGN_KEY": SIGN_KEY, "PROVINCE_SIGN_SECRET": secret}
    if front_end is not None:
        found["FRONT_END_URL"] = front_end
    return found


def _port(netloc: str) -> str:
    return netloc.rpartition(":")[2] if ":" in netloc.rpartition("@")[2] else ""


def start_sharing_platform(home: Path, connections: Mapping[str, str]) -> dict[str, str]:
    """Start the city's sharing platform in front of a running province.

    Args:
        connections: what `start` returned.

    Returns:
        SHARING_PLATFORM_URL, _ID, _ACCOUNT and _TOKEN.

    Raises:
        WangtingError: the server did not become healthy; its own words say why.
    """
    from simulator.province.relay import ACCOUNT, PLATFORM

    folder = _relay_folder(home)
    url = processes.start(
        home.absolute(),
        folder,
        "simulator.province.relay",
        ["--province", connections["PROVINCE_URL"]],
        "共享平台模拟服务",
        {"RELAYED_PROVINCE_TOKEN": connections["PROVINCE_TOKEN"]},
    )
    return {
        "SHARING_PLATFORM_URL": url,
        "SHARING_PLATFORM_ID": PLATFORM,
        "SHARING_PLATFORM_ACCOUNT": ACCOUNT,
        "SHARING_PLATFORM_TOKEN": processes.secret(folder / "token"),
    }


def stop(home: Path) -> bool:
    """End the province of this home, and the platform in front of it; True when the province was running."""
    processes.stop(_relay_folder(home))
    return processes.stop(_folder(home))


def is_running(home: Path) -> bool:
    """Whether the province of this home runs."""
    return processes.address(_folder(home)) is not None


def process_id(home: Path) -> int | None:
    """The process id of the province of this home, None when it does not run."""
    return processes.process_id(_folder(home))
