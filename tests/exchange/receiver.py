"""A tiny province for tests: takes, stores and reads back as the interface says, and fails as it is told."""

import asyncio
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Name = tuple[str, str, int]


@dataclass
class Receiver:
    """A server in a thread of its own.

    Attributes:
        fault: (name, attempt) → None or one of: 500, 401, 404, garbage, half, hang, drop, lost_answer, 3, reject, slow,
            other (the receipt names another record), echo (401 that quotes our own headers).
        tls: the server speaks HTTPS.
        stored: name → body. heard: every submission as (name, began, ended), monotonic seconds.
    """

    fault: Callable[[Name, int], str | None] = lambda name, attempt: None
    token: str = "a-token-of-the-tests"
    stored: dict[Name, str] = field(default_factory=dict)
    heard: list[tuple[Name, float, float]] = field(default_factory=list)
    attempts: Counter[Name] = field(default_factory=Counter)
    read_back: list[Name] = field(default_factory=list)
    slow_seconds: float = 0.05
    tls: ssl.SSLContext | None = None

    def __enter__(self) -> "Receiver":
        ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        assert ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        app = web.Application()
        app.add_routes(
            [
                web.post("/submit", self._submit),
                web.get("/records", self._records),
                web.get("/counts", self._counts),
            ]
        )
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)

        async def start() -> None:
            await self._runner.setup()
            site = web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self.tls)
            await site.start()
            self.url = f"http{'s' if self.tls else ''}://127.0.0.1:{self._runner.addresses[0][1]}"
            ready.set()

        self._loop.run_until_complete(start())
        self._loop.run_forever()

    @property
    def order(self) -> list[Name]:
        """What was submitted, in the order of arrival."""
        return [name for name, _, _ in self.heard]

    async def _submit(self, request: web.Request) -> web.StreamResponse:
        began = time.monotonic()
        asked = request.query
        name = (asked["tableName"], asked["identify"], int(asked["version"]))
        body = await request.text()
        self.attempts[name] += 1
        fault = self.fault(name, self.attempts[name])
        if request.headers.get("Authorization") != f"Bearer {self.token}" or fault == "401":
            return web.json_response({"code": 4, "desc": "验证失败"}, status=401)
        if fault == "echo":
            return web.json_response({"code": 4, "reasonList": [str(dict(request.headers))]}, status=401)
        if fault == "slow":
            await asyncio.sleep(self.slow_seconds)
        if fault in (None, "slow", "lost_answer", "half", "other"):
            answer = self._take(name, body)
        self.heard.append((name, began, time.monotonic()))
        if fault in ("500", "404", "lost_answer"):
            return web.Response(status=500 if fault != "404" else 404, text="服务暂不可用")
        if fault == "garbage":
            return web.Response(text="<html>欢迎</html>")
        if fault == "half":
            return web.Response(text='{"code": 0, "desc"')
        if fault == "hang":
            await asyncio.sleep(60)
        if fault == "drop":
            assert request.transport is not None
            request.transport.close()
        if fault == "3":
            return web.json_response(
                {"code": 3, "desc": "异常", "reasonList": ["系统繁忙"], "receiptNo": "r3"}
            )
        if fault == "reject":
            return web.json_response(
                {"code": 1, "desc": "校验失败", "reasonList": ["编码不存在"], "receiptNo": "r1"}
            )
        if fault == "other":
            answer |= {"tableName": name[0], "identify": f"{name[1]}9", "version": name[2]}
        return web.json_response(answer)

    def _take(self, name: Name, body: str) -> dict[str, Any]:
        if self.stored.setdefault(name, body) != body:
            return {"code": 1, "desc": "校验失败", "reasonList": ["同一版本内容不同"], "receiptNo": "r1"}
        number = f"R{sorted(self.stored).index(name)}-{name[2]}"
        return {"code": 0, "desc": "成功", "reasonList": [], "receiptNo": number}

    async def _records(self, request: web.Request) -> web.Response:
        asked = request.query
        if "identify" in asked:
            name = (asked["tableName"], asked["identify"], int(asked["version"]))
            self.read_back.append(name)
            if name not in self.stored:
                return web.json_response({"error": "没有该记录"}, status=404)
            return web.json_response(self._say(name))
        rows = [self._say(name) for name in sorted(self.stored) if name[0] == asked["tableName"]]
        page, size = int(asked["page"]), int(asked["size"])
        return web.json_response({"total": len(rows), "data": rows[(page - 1) * size : page * size]})

    def _say(self, name: Name) -> dict[str, Any]:
        return {
            "tableName": name[0], "identify": name[1], "version": name[2], "deptCode": "445100000000",
            "receivedAt": "2017-11-30 18:00:00", "receiptNo": "back", "fields": {},
        }  # fmt: skip

    async def _counts(self, _: web.Request) -> web.Response:
        counts = Counter(name[0] for name in self.stored)
        rows = [
            {"day": "2017-11-30", "deptCode": "445100000000", "tableName": table, "count": count}
            for table, count in counts.items()
        ]
        return web.json_response({"data": rows})
