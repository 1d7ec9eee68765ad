"""The process that serves the city's interfaces: `python -m simulator.services.server …`.

Each service lives under its own prefix with its own client, tokens and bad days.
"""

import base64
import hmac
import json
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route

from simulator import processes
from simulator.services import NAMES
from simulator.services.kinds import KINDS, Kind, Paging
from simulator.services.rows import Rows

MAX_PAGE = 5_000  # rows


@dataclass
class Faults:
    """A service's bad day, for tests: page `not_json_page` is not JSON, everything answers `status`, the next `busy`
    pages answer 429, …"""

    not_json_page: int | None = None
    status: int | None = None
    missing_column: str | None = None
    wrong_type: str | None = None
    busy: int = 0

    def change(self, wanted: Mapping[str, Any]) -> None:
        """Add faults, or with `clear` end them all. Raises ValueError (Chinese) for what is not known."""
        kinds = {"not_json_page": int, "status": int, "missing_column": str, "wrong_type": str, "busy": int}
        kinds |= {"clear": bool}
        for name, value in wanted.items():
            if name not in kinds or not isinstance(value, kinds[name]):
                raise ValueError(f"未知的设置 {name} 或类型不符")
        if wanted.get("clear"):
            self.__init__()  # type: ignore[misc]
        for name, value in wanted.items():
            if name != "clear":
                setattr(self, name, value)

    def spoil(self, row: dict[str, Any]) -> dict[str, Any]:
        """A row as it looks on this day."""
        if self.missing_column is not None:
            row.pop(self.missing_column, None)
        if self.wrong_type is not None and self.wrong_type in row:
            is_text = isinstance(row[self.wrong_type], str)
            row[self.wrong_type] = {"值": "类型不符"} if is_text else "类型不符"
        return row


@dataclass
class Service:
    """One service: its interfaces, tokens, faults."""

    interfaces: list[tuple[Kind, Rows]]
    client_id: str
    client_secret: str
    expires_in: int
    faults: Faults = field(default_factory=Faults)
    tokens: dict[str, float] = field(default_factory=dict)
    answered: dict[str, list[float]] = field(default_factory=dict)

    def routes(self) -> list[Route]:
        """Where it answers, below its prefix."""
        return [
            Route("/token", self.token, methods=["POST"]),
            *(Route(kind.path, self.pages_of(kind, rows)) for kind, rows in self.interfaces),
            Route("/misbehave", self.misbehave, methods=["POST"]),
        ]

    async def token(self, request: Request) -> Response:
        """A new token for a known client."""
        if self.faults.status is not None:
            return _broken(self.faults.status)
        given = await _object(request)
        right = given is not None and all(
            hmac.compare_digest(str(given.get(name, "")).encode(), known.encode())
            for name, known in (("client_id", self.client_id), ("client_secret", self.client_secret))
        )
        if not right:
            return _json({"error": "invalid_client", "message": "客户端标识或密钥错误"}, 401)
        now = time.monotonic()
        self.tokens = {token: until for token, until in self.tokens.items() if until > now}
        token = secrets.token_urlsafe(24)
        self.tokens[token] = now + self.expires_in
        return _json({"access_token": token, "token_type": "Bearer", "expires_in": self.expires_in})

    def pages_of(self, kind: Kind, rows: Rows) -> Callable[[Request], Awaitable[Response]]:
        """What answers under one interface's path."""

        async def page(request: Request) -> Response:
            if self.faults.status is not None:
                return _broken(self.faults.status)
            scheme, _, token = request.headers.get("authorization", "").partition(" ")
            if scheme.lower() != "bearer" or self.tokens.get(token.strip(), 0.0) <= time.monotonic():
                return _json({"error": "invalid_token", "message": "令牌无效或已过期"}, 401)
            if self._is_busy(kind):
                refusal = _json({"error": "too_many_requests", "message": "请求过于频繁"}, 429)
                refusal.headers["Retry-After"] = "1"
                return refusal
            try:
                wanted = _Wanted.read(kind.paging, request.query_params, rows)
            except ValueError as problem:
                return _json({"error": "bad_request", "message": str(problem)}, 400)
            if self.faults.not_json_page == wanted.number:
                return Response("<html><body>系统维护中</body></html>", media_type="text/html; charset=utf-8")
            found = [self.faults.spoil(row) for row in rows.slice(wanted.first, wanted.end)]
            return _worded(kind.paging, wanted, found, rows, request)

        return page

    def _is_busy(self, kind: Kind) -> bool:
        if self.faults.busy > 0:
            self.faults.busy -= 1
            return True
        if kind.per_second is None:
            return False
        now = time.monotonic()
        lately = [moment for moment in self.answered.get(kind.path, []) if moment > now - 1]
        self.answered[kind.path] = lately if len(lately) >= kind.per_second else [*lately, now]
        return len(lately) >= kind.per_second

    async def misbehave(self, request: Request) -> Response:
        """Switch faults on or off."""
        given = await _object(request)
        if given is None:
            return _json({"error": "应为一个 JSON 对象"}, 400)
        try:
            self.faults.change(given)
        except ValueError as problem:
            return _json({"error": str(problem)}, 400)
        return _json(vars(self.faults))


@dataclass(frozen=True)
class _Wanted:
    """Which rows a request asks for: places, and the number of the page among the whole."""

    first: int
    end: int
    size: int
    number: int
    total: int
    is_last: bool

    @classmethod
    def read(cls, paging: Paging, asked: Mapping[str, str], rows: Rows) -> "_Wanted":
        """From a request's parameters. Raises ValueError (Chinese) for what is not allowed."""
        low, high = rows.between(_moment(asked, paging.since), _moment(asked, paging.until))
        size = _number(asked, paging.size, 500)
        if not 1 <= size <= MAX_PAGE:
            raise ValueError(f"{paging.size} 应为 1 至 {MAX_PAGE}")
        number = None
        if paging.by == "page":
            number = page = _number(asked, paging.page, 1)
            if page < 1:
                raise ValueError(f"{paging.page} 应从 1 起")
            first = low + (page - 1) * size
        elif paging.by == "offset":
            skipped = _number(asked, paging.page, 0)
            if skipped < 0:
                raise ValueError(f"{paging.page} 应从 0 起")
            first = low + skipped
        else:
            name = asked.get(paging.page)
            first = max(low, rows.after(_opened(name))) if name else low
        first = min(first, high)
        end = min(first + size, high)
        return cls(first, end, size, number or (first - low) // size + 1, high - low, end >= high)


def _number(asked: Mapping[str, str], name: str, default: int) -> int:
    try:
        return int(asked.get(name, default))
    except ValueError:
        raise ValueError(f"{name} 应为整数") from None


def _moment(asked: Mapping[str, str], name: str | None) -> datetime | None:
    if name is None or not asked.get(name):
        return None
    try:
        moment = datetime.fromisoformat(asked[name])
    except ValueError:
        raise ValueError(f"{name} 应为 ISO 时间") from None
    if moment.tzinfo is not None:
        raise ValueError(f"{name} 应为不带时区的本地时间")
    return moment


def _opened(cursor: str) -> str:
    try:
        return base64.urlsafe_b64decode(cursor.encode()).decode()
    except ValueError:
        raise ValueError("游标无法识别") from None


def _worded(
    paging: Paging, wanted: _Wanted, found: list[dict[str, Any]], rows: Rows, request: Request
) -> Response:
    """A page in the interface's own words."""
    following = None
    if paging.by in ("cursor", "link") and not wanted.is_last:
        following = base64.urlsafe_b64encode(rows.name(wanted.end - 1).encode()).decode()
    content: Any = {}
    if paging.by == "page":
        content = {"total": wanted.total, "page": wanted.number, "size": wanted.size}
    _put(content, paging.total, wanted.total)
    if paging.by == "cursor":
        _put(content, paging.next, following)
    _put(content, paging.rows, found)
    answer = _json(content if paging.rows else found)
    if paging.by == "link" and following is not None:
        address = request.url.include_query_params(**{paging.page: following})
        answer.headers["Link"] = f'<{address}>; rel="next"'
    return answer


def _put(content: dict[str, Any], place: str | None, value: Any) -> None:
    *outer, last = (place or "").split(".")
    if not last:
        return
    for name in outer:
        content = content.setdefault(name, {})
    content[last] = value


def _iso(value: Any) -> str:
    if isinstance(value, date):
        return value.isoformat()
    return str(value)  # decimals


def _json(content: Any, status: int = 200) -> Response:
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), default=_iso)
    return Response(text.encode(), status, media_type="application/json")


def _broken(status: int) -> Response:
    return PlainTextResponse("服务暂不可用", status)


async def _object(request: Request) -> dict[str, Any] | None:
    try:
        content = json.loads(await request.body())
    except ValueError:
        return None
    return content if isinstance(content, dict) else None


def application(
    emitted: Path, clients: Mapping[str, tuple[str, str]], expires_in: int, mark: str
) -> Starlette:
    """The services over the files in `emitted`; `clients` maps a prefix to its client id and secret."""

    async def health(request: Request) -> Response:
        return _json({"status": "ok", "mark": mark})

    mounts = []
    for prefix, client in clients.items():
        interfaces = [
            (kind, Rows(emitted / kind.file, kind.key, tuple(kind.columns.split())))
            for kind in KINDS
            if kind.prefix == prefix
        ]
        mounts.append(Mount(f"/{prefix}", routes=Service(interfaces, *client, expires_in).routes()))
    return Starlette(routes=[Route("/health", health), *mounts])


def main() -> None:
    """Run the server until it is told to end."""
    parser = processes.arguments(__doc__ or "")
    parser.add_argument("--emitted", type=Path, required=True)
    parser.add_argument("--expires-in", type=int, default=600)
    given = parser.parse_args()
    lock = processes.hold(given.folder)
    clients = {
        prefix: (f"wangting-{prefix}", processes.secret(given.folder / f"{prefix}.secret"))
        for prefix in NAMES
    }
    try:
        processes.serve(
            application(given.emitted, clients, given.expires_in, given.mark), given.folder, given.mark
        )
    finally:
        lock.close()


if __name__ == "__main__":
    main()
