"""The process that serves the item catalogue, identity and e-licences: `python -m simulator.services.server …`.

Each service lives under its own prefix with its own client, tokens and bad days.
"""

import hmac
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route

from simulator import processes
from simulator.services.rows import Rows

MAX_PAGE = 5_000  # rows


@dataclass(frozen=True)
class Kind:
    """What one service offers: where, from which file, with which columns (separated by spaces)."""

    prefix: str
    path: str
    file: str
    key: tuple[str, ...]
    columns: str


KINDS = (
    Kind(
        "catalogue",
        "/items",
        "items.parquet",
        ("item_code", "item_version"),
        "item_code item_version item_name parent_item_code item_type unit_code region_code is_settled is_online "
        "online_depth visit_limit promised_limit promised_limit_unit statutory_limit statutory_limit_unit "
        "is_immediate person_theme_code legal_theme_code valid_from valid_to updated_at",
    ),
    Kind(
        "identity",
        "/accounts",
        "accounts.parquet",
        ("account_id",),
        "account_id account_type real_name_level registered_at updated_at id_no",
    ),
    Kind(
        "elicence",
        "/licences",
        "licences.parquet",
        ("licence_no",),
        "licence_no licence_kind item_code case_no holder_id_no issued_at status updated_at",
    ),
)


@dataclass
class Faults:
    """A service's bad day, for tests: page `not_json_page` is not JSON, everything answers `status`, …"""

    not_json_page: int | None = None
    status: int | None = None
    missing_column: str | None = None
    wrong_type: str | None = None

    def change(self, wanted: Mapping[str, Any]) -> None:
        """Add faults, or with `clear` end them all. Raises ValueError (Chinese) for what is not known."""
        kinds = {"not_json_page": int, "status": int, "missing_column": str, "wrong_type": str, "clear": bool}
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
    """One of the three: tokens, pages, faults."""

    kind: Kind
    rows: Rows
    client_id: str
    client_secret: str
    expires_in: int
    faults: Faults = field(default_factory=Faults)
    tokens: dict[str, float] = field(default_factory=dict)

    def routes(self) -> list[Route]:
        """Where it answers, below its prefix."""
        return [
            Route("/token", self.token, methods=["POST"]),
            Route(self.kind.path, self.page),
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

    async def page(self, request: Request) -> Response:
        """One page of rows."""
        if self.faults.status is not None:
            return _broken(self.faults.status)
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or self.tokens.get(token.strip(), 0.0) <= time.monotonic():
            return _json({"error": "invalid_token", "message": "令牌无效或已过期"}, 401)
        asked = request.query_params
        try:
            page, size = int(asked.get("page", "1")), int(asked.get("size", "500"))
        except ValueError:
            return _json({"error": "bad_request", "message": "page、size 应为整数"}, 400)
        if page < 1 or not 1 <= size <= MAX_PAGE:
            return _json(
                {"error": "bad_request", "message": f"page 应从 1 起，size 应为 1 至 {MAX_PAGE}"}, 400
            )
        try:
            after = datetime.fromisoformat(asked["updated_after"]) if asked.get("updated_after") else None
        except ValueError:
            return _json({"error": "bad_request", "message": "updated_after 应为 ISO 时间"}, 400)
        if after is not None and after.tzinfo is not None:
            return _json({"error": "bad_request", "message": "updated_after 应为不带时区的本地时间"}, 400)
        if self.faults.not_json_page == page:
            return Response("<html><body>系统维护中</body></html>", media_type="text/html; charset=utf-8")
        total, rows = self.rows.page(page, size, after)
        return _json(
            {"total": total, "page": page, "size": size, "data": [self.faults.spoil(row) for row in rows]}
        )

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
    """The three services over the files in `emitted`; `clients` maps a prefix to its client id and secret."""

    async def health(request: Request) -> Response:
        return _json({"status": "ok", "mark": mark})

    mounts = []
    for kind in KINDS:
        rows = Rows(emitted / kind.file, kind.key, tuple(kind.columns.split()))
        service = Service(kind, rows, *clients[kind.prefix], expires_in)
        mounts.append(Mount(f"/{kind.prefix}", routes=service.routes()))
    return Starlette(routes=[Route("/health", health), *mounts])


def main() -> None:
    """Run the server until it is told to end."""
    parser = processes.arguments(__doc__ or "")
    parser.add_argument("--emitted", type=Path, required=True)
    parser.add_argument("--expires-in", type=int, default=600)
    given = parser.parse_args()
    lock = processes.hold(given.folder)
    clients = {
        kind.prefix: (f"wangting-{kind.prefix}", processes.secret(given.folder / f"{kind.prefix}.secret"))
        for kind in KINDS
    }
    try:
        processes.serve(
            application(given.emitted, clients, given.expires_in, given.mark), given.folder, given.mark
        )
    finally:
        lock.close()


if __name__ == "__main__":
    main()
