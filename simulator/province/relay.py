"""The city's sharing platform (共享平台) in front of the province: `python -m simulator.province.relay --folder …`.

It knows us by platform, account and token of its own, and hands what comes on to the province under the province's
token. What it refuses itself it says by its own codes: 10 版本错, 20 时间戳格式错, 30 非法平台, 40 非法账号, 50 非法IP,
60 未授权, 70 缺必填, 80 超长, 100–199 总线内部错 (100: the province cannot be reached). POST /misbehave {"bus": n}
makes it answer that code to every submission, {"bus": 0} ends it.
"""

import hmac
import json
import os
import re
from typing import Any
from urllib.parse import parse_qsl

import aiohttp
from yarl import URL

from simulator import processes
from simulator.province.answering import answer, body_of

WORDS = {
    10: "版本错", 20: "时间戳格式错", 30: "非法平台", 40: "非法账号", 50: "非法IP", 60: "未授权", 70: "缺必填",
    80: "超长",
}  # fmt: skip
PLATFORM, ACCOUNT = "chaozhou-hall", "exchange"
LONGEST = 500_000  # bytes
_TIMESTAMP = re.compile(r"\d{14}")


class Relay:
    """The platform's behaviour; `__call__` is the ASGI application."""

    def __init__(self, token: str, mark: str, province: str, province_token: str) -> None:
        self._token, self._mark, self._province = token, mark, province
        self._headers = {"Authorization": f"Bearer {province_token}"}
        self._bus = 0
        self._session: aiohttp.ClientSession | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer by itself, or hand on."""
        if scope["type"] != "http":
            return
        path, headers = scope["path"], {n.decode("latin-1"): v.decode("latin-1") for n, v in scope["headers"]}
        body = await body_of(receive)
        if body is None:
            return
        if path == "/health":
            await answer(send, 200, {"status": "ok", "mark": self._mark})
            return
        code = self._objection(scope, headers, body)
        if code == 0 and path == "/misbehave":
            self._bus = int(json.loads(body)["bus"])
            await answer(send, 200, {"bus": self._bus})
            return
        if code == 0 and self._bus and path.startswith("/submit"):
            code = self._bus
        if code:
            await answer(send, 200, {"code": code, "desc": WORDS.get(code, "总线内部错"), "reasonList": []})
            return
        await self._hand_on(scope, headers, body, send)

    def _objection(self, scope: Any, headers: dict[str, str], body: bytes) -> int:
        if headers.get("x-bus-version") != "1.0":
            return 10
        if not _TIMESTAMP.fullmatch(headers.get("x-bus-timestamp", "")):
            return 20
        if headers.get("x-bus-platform") != PLATFORM:
            return 30
        if headers.get("x-bus-account") != ACCOUNT:
            return 40
        if not hmac.compare_digest(
            headers.get("authorization", "").encode(), f"Bearer {self._token}".encode()
        ):
            return 60
        if scope["path"].startswith("/submit"):
            asked = dict(parse_qsl(scope["query_string"].decode("latin-1")))
            if not asked.get("deptCode") or not body:
                return 70
            if len(body) > LONGEST:
                return 80
        return 0

    async def _hand_on(self, scope: Any, headers: dict[str, str], body: bytes, send: Any) -> None:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=64),
                headers=self._headers,
                timeout=aiohttp.ClientTimeout(total=60),
            )
        query = scope["query_string"].decode("latin-1")
        url = URL(
            self._province + scope["raw_path"].decode("latin-1") + (f"?{query}" if query else ""),
            encoded=True,
        )
        kept = {
            name: value
            for name, value in headers.items()
            if name.startswith("x-sign") or name == "content-type"
        }
        try:
            async with self._session.request(scope["method"], url, data=body or None, headers=kept) as came:
                content, status = await came.read(), came.status
        except (aiohttp.ClientError, TimeoutError):
            await answer(send, 200, {"code": 100, "desc": "总线内部错", "reasonList": ["后端服务没有应答"]})
            return
        await answer(send, status, content)


def main() -> None:
    """Run the platform until it is told to end."""
    parser = processes.arguments(__doc__ or "")
    parser.add_argument("--province", required=True)
    given = parser.parse_args()
    lock = processes.hold(given.folder)
    token = processes.secret(given.folder / "token")
    try:
        app = Relay(token, given.mark, given.province, os.environ["RELAYED_PROVINCE_TOKEN"])
        processes.serve(app, given.folder, given.mark)
    finally:
        lock.close()


if __name__ == "__main__":
    main()
