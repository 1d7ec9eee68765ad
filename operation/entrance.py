"""The first page: what is where, and is it well? `python -m operation.entrance` serves it.

It asks nobody outside, needs no login and shows no data: addresses, states, the name of the release. Where the
environment gives no address of open data, the page hands them out itself from the home's `open-data` folder.
"""

import json
import os
import time
from contextlib import suppress
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from operation import probe, processes, surroundings
from operation.logins import logins
from operation.services import Service, declared
from wangting import clock, publish, settings

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

_FRESH = 5  # seconds for which an answer holds, so that many who look do not mean many probes
_OPEN_DATA = ("开放数据", "WANGTING_OPEN_DATA_PORT")
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def state() -> dict[str, Any]:
    """What the page shows: `services` (title, is_well, reason, port), `release`, `clock`, `logins`."""
    return _state(int(time.monotonic() // _FRESH))


@lru_cache(maxsize=1)
def _state(_span: int) -> dict[str, Any]:
    services = [_seen(service) for service in declared().values() if _is_shown(service)]
    moment = clock.simulated() or _told_by_the_city()
    return {
        "services": services,
        "release": publish.about_current(),
        "clock": moment.isoformat(sep=" ", timespec="minutes") if moment else None,
        "logins": logins(service["name"] for service in services),
    }


def _told_by_the_city() -> datetime | None:
    # As a container the page sees no more of the home than the releases and what lives.
    with suppress(FileNotFoundError, ValueError, KeyError):
        told = json.loads((settings.home() / "operation" / "city.json").read_text("utf-8"))
        return datetime.fromisoformat(told["clock"])
    return None


def _is_shown(service: Service) -> bool:
    # As processes: what was started here. As containers: everything; the simulated city, where it lives.
    noted = processes.noted()
    is_wanted = service.name in noted if noted else not service.is_demo or _lives(service)
    return is_wanted and not service.is_once


def _lives(service: Service) -> bool:
    return probe.fault(list(service.probe or ()), os.environ) is None


def _seen(service: Service) -> dict[str, Any]:
    # Its own page answers, or nobody would read this.
    is_this = service.command[-1] == "operation.entrance"
    words = list(service.probe or ())
    reason = None if is_this or not words else probe.fault(words, os.environ)
    return {
        "name": service.name,
        "title": service.title,
        "is_well": reason is None,
        "reason": reason or "",
        "port": surroundings.port(service) if service.port and not is_this else None,
    }


def _page(request: "Request") -> "Response":
    from jinja2 import Environment, FileSystemLoader, select_autoescape
    from starlette.responses import HTMLResponse

    found = state()
    # The host by which the reader came here leads to the other ports too.
    host = request.url.hostname or surroundings.HOST
    places = [
        {"title": each["title"], "address": f"http://{host}:{each['port']}/"}
        for each in found["services"]
        if each["port"]
    ]
    title, setting = _OPEN_DATA
    if port := os.environ.get(setting):
        places.append({"title": title, "address": f"http://{host}:{port}/"})
    elif _open_data() is not None:
        places.append({"title": title, "address": "/open-data/"})
    ill = [each["title"] for each in found["services"] if not each["is_well"]]
    summary = f"{'、'.join(ill)}不正常，其余正常。" if ill else "全部正常。"
    templates = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=select_autoescape(), trim_blocks=True
    )
    text = templates.get_template("page.html").render(
        found | {"places": places, "summary": summary, "site": _site()}
    )
    return HTMLResponse(text, headers=_HEADERS)


def _site() -> str:
    from wangting.site import current_site

    return current_site().title


def _open_data() -> Path | None:
    folder = settings.home() / "open-data"
    return folder if folder.is_dir() and any(folder.iterdir()) else None


def _open_data_file(request: "Request") -> "Response":
    from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse

    root = (settings.home() / "open-data").resolve()
    wanted = (root / request.path_params["path"]).resolve()
    if not wanted.is_relative_to(root) or not wanted.exists():
        return PlainTextResponse("没有这个文件", status_code=404)
    if wanted.is_file():
        return FileResponse(wanted)
    from html import escape

    names = sorted(f"{each.name}/" if each.is_dir() else each.name for each in wanted.iterdir())
    lines = "".join(
        f'<li><a href="{escape(name)}">{escape(name)}</a></li>' for name in names if name[0] != "."
    )
    text = f'<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>开放数据</title><ul>{lines}</ul>'
    return HTMLResponse(text, headers=_HEADERS)


def application() -> "Starlette":
    """The page, its style, `/health`, `/state` as JSON, and open data."""
    from starlette.applications import Starlette
    from starlette.responses import FileResponse, JSONResponse
    from starlette.routing import Route

    def health(_: "Request") -> "Response":
        return JSONResponse({"status": "healthy"})

    def told(_: "Request") -> "Response":
        return JSONResponse(state(), headers=_HEADERS)

    def style(_: "Request") -> "Response":
        return FileResponse(Path(__file__).with_name("page.css"), media_type="text/css")

    return Starlette(
        routes=[
            Route("/", _page),
            Route("/page.css", style),
            Route("/health", health),
            Route("/state", told),
            Route("/open-data/{path:path}", _open_data_file),
        ]
    )


def main() -> None:
    """Serve until SIGTERM, where `WANGTING_ENTRANCE_LISTEN` says, otherwise at `WANGTING_ENTRANCE_ADDRESS`."""
    import uvicorn

    place = (
        os.environ.get("WANGTING_ENTRANCE_LISTEN")
        or urlsplit(os.environ.get("WANGTING_ENTRANCE_ADDRESS", "http://127.0.0.1:8000")).netloc
    )
    host, _, port = place.rpartition(":")
    uvicorn.run(
        application(), host=host, port=int(port), log_level="warning", server_header=False, access_log=False
    )


if __name__ == "__main__":
    main()
