"""The province's server process: `python -m simulator.province.server --folder … --mark …`.

One event loop, one SQLite connection. Requests that arrive together are judged one after another inside one open
transaction and answered after its single commit, so an acknowledged record is always a durable one. Where a front-end
database is given, its rows are collected in the same loop and go before the same judge.
"""

import asyncio
import hmac
import json
import os
import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from simulator import processes
from simulator.province import messages
from simulator.province.answering import answer, body_of, drip, reset
from simulator.province.judging import Judge, Submission
from simulator.province.misbehaviour import Fate, Manners, Misbehaviour
from simulator.province.signatures import Verifier
from simulator.province.specification import read
from simulator.province.store import Store, Stored
from simulator.province.tongue import Tongue
from wangting import clock
from wangting.errors import WangtingError

GATHERING_SECONDS = 0.002  # a commit costs as much as judging three records: let some come together first
MAX_PAGE = 5_000  # rows; a page of whole records stays under 10 MB
_SUBMISSIONS = ("/submit", "/submit.json")
SIGN_KEY = "chaozhou"  # what the sender's key is called here


class Province:
    """The interface's behaviour; `__call__` is the ASGI application."""

    def __init__(
        self, store: Store, judge: Judge, token: str, mark: str, verifier: Verifier | None = None
    ) -> None:
        self._store, self.judge = store, judge
        self._authorization = f"Bearer {token}".encode()
        self._mark = mark
        self._verifier = verifier
        self.misbehaviour = Misbehaviour()
        self._waiting: list[asyncio.Future[None]] = []
        self._last_peer: Any = None
        self._has_company = False
        self._others = Starlette(
            routes=[
                Route("/health", self._health),
                Route("/records", self._records),
                Route("/receipts", self._receipts),
                Route("/counts", self._counts),
                Route("/misbehave", self._misbehave, methods=["GET", "POST"]),
            ]
        )

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Route; submissions go round the router, for they are nearly everything that ever comes."""
        if scope["type"] != "http":
            return
        path = scope["path"]
        if path in ("/health", "/misbehave") and (path == "/health" or self._is_authorized(scope["headers"])):
            await self._others(scope, receive, send)
        elif self.misbehaviour.manners.is_down:
            await answer(send, 503, "服务停机".encode())
        elif not self._is_authorized(scope["headers"]):
            await answer(send, 401, messages.receipt(4, "", ["令牌无效或缺失"]))
        elif path in _SUBMISSIONS:
            if scope["method"] == "POST":
                await self._submit(scope, receive, send)
            else:
                await answer(send, 405, messages.receipt(3, "", ["提交须用 POST"]))
        elif problem := self._unsigned(scope, b""):
            await answer(send, 401, messages.receipt(4, "", [problem]))
        else:
            await self._others(scope, receive, send)

    def _is_authorized(self, headers: list[tuple[bytes, bytes]]) -> bool:
        for name, value in headers:
            if name == b"authorization":
                return hmac.compare_digest(value, self._authorization)
        return False

    def _unsigned(self, scope: Any, body: bytes) -> str | None:
        if self._verifier is None:
            return None
        target = scope["raw_path"].decode("latin-1")
        if scope["query_string"]:
            target += "?" + scope["query_string"].decode("latin-1")
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        return self._verifier.problem(scope["method"], target, headers, body)

    # ---- submissions ----------------------------------------------------------------------------------------

    async def _submit(self, scope: Any, receive: Any, send: Any) -> None:
        asked = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
        # One connection that sends again and again is a lone sender: nobody else's record is worth waiting for.
        self._has_company, self._last_peer = scope["client"] != self._last_peer, scope["client"]
        body = await body_of(receive)
        if body is None:
            return  # the client went away in mid-sentence
        if problem := self._unsigned(scope, body):
            await answer(send, 401, messages.receipt(4, "", [problem]))
            return
        if scope["path"] == "/submit":
            given = [self.judge.xml(asked, body)]
        else:
            given = self.judge.json(asked.get("deptCode", ""), body)
        is_list = scope["path"] == "/submit.json" and body.lstrip()[:1] == b"["
        fates = [self._fate(each) for each in given]
        first = fates[0]  # what befalls the request as a whole is its first record's fate
        if first.timeout:
            if first.stores_before_timeout:
                await self._receive(given, [Fate()] * len(given))
            while (await receive())["type"] != "http.disconnect":
                pass
            return
        if first.error:
            await answer(send, first.error, "服务暂不可用".encode())
            return
        receipts = await self._receive(given, fates)
        if first.wait_seconds:
            await asyncio.sleep(first.wait_seconds)
        if first.stored_error:
            await answer(send, 500, "处理结果返回失败".encode())
        elif first.garbage:
            await answer(send, 200, "<html>欢迎访问网上办事大厅</html>".encode())
        else:
            content: Any = receipts[0] if not is_list else {"code": 0, "desc": "成功", "data": receipts}
            await self._say(send, first, content)

    async def _say(self, send: Any, fate: Fate, content: Any) -> None:
        words = messages.encode(content)
        if fate.half:
            await answer(send, 200, words[: len(words) // 2])
        elif fate.reset:
            await reset(send, words)
        elif fate.drip_seconds:
            await drip(send, words, fate.drip_seconds)
        else:
            await answer(send, 200, content)

    def _fate(self, given: Submission) -> Fate:
        facts = given.facts
        return self.misbehaviour.fate(
            facts.get("tableName", ""), facts.get("identify", ""), facts.get("version", "")
        )

    async def receive(self, given: list[Submission]) -> list[dict[str, Any]]:
        """Judge what came by another way; durable when this returns, a receipt each."""
        return await self._receive(given, [self._fate(each) for each in given])

    async def _receive(self, given: list[Submission], fates: list[Fate]) -> list[dict[str, Any]]:
        try:
            receipts = []
            for each, fate in zip(given, fates, strict=True):
                if fate.receipt3:
                    receipts.append(self.judge.refuse(each, 3, ["系统繁忙，请稍后重试"]))
                    continue
                receipt = self.judge.judge(each, doubled=fate.duplicate_receipt)
                if fate.other:
                    receipt |= {
                        "identify": f"{receipt['identify']}9",
                        "code": 0,
                        "desc": "成功",
                        "reasonList": [],
                    }
                receipts.append(receipt)
            await self._durable()
        except sqlite3.Error as problem:
            self._give_up(problem)
            return [messages.receipt(3, "", [f"存储失败：{problem}"])] * len(given)
        return receipts

    async def _durable(self) -> None:
        """Wait for the commit that covers everything judged since the last one."""
        loop = asyncio.get_running_loop()
        if not self._waiting:
            if self._has_company:
                loop.call_later(GATHERING_SECONDS, self._commit)
            else:
                loop.call_soon(self._commit)
        turn: asyncio.Future[None] = loop.create_future()
        self._waiting.append(turn)
        await turn

    def _commit(self) -> None:
        waiting, self._waiting = self._waiting, []
        self.judge.forget_the_time()
        try:
            self._store.commit()
        except sqlite3.Error as problem:
            for turn in waiting:
                if not turn.done():
                    turn.set_exception(problem)
            return
        for turn in waiting:
            if not turn.done():
                turn.set_result(None)

    def _give_up(self, problem: sqlite3.Error) -> None:
        """A write failed: nothing of the open transaction is kept, and all who wait for it are told."""
        self._store.rollback()
        waiting, self._waiting = self._waiting, []
        self.judge.forget_the_time()
        for turn in waiting:
            if not turn.done():
                turn.set_exception(problem)

    # ---- everything else ------------------------------------------------------------------------------------

    async def _health(self, request: Request) -> Response:
        return _json({"status": "ok", "mark": self._mark, "time": clock.now().isoformat(" ", "seconds")})

    async def _records(self, request: Request) -> Response:
        asked = request.query_params
        table, identify = asked.get("tableName"), asked.get("identify")
        if table is not None and (table := self.judge.tongue.table(table)) not in self.judge.checkers:
            return _json({"error": f"表名 {table[:40]} 不在规范之内"}, 400)
        try:
            version = int(asked["version"]) if asked.get("version") else None
            page, size = int(asked.get("page", "1")), int(asked.get("size", "500"))
        except ValueError:
            return _json({"error": "version、page、size 应为整数"}, 400)
        if identify is not None:
            if table is None:
                return _json({"error": "缺少参数 tableName"}, 400)
            one = self._store.find(table, identify, version)
            return _json(self._stored(one)) if one else _json({"error": "没有该记录"}, 404)
        if page < 1 or not 1 <= size <= MAX_PAGE:
            return _json({"error": f"page 应从 1 起，size 应为 1 至 {MAX_PAGE}"}, 400)
        total, rows = self._store.page(table, page, size)
        return _json(
            {"total": total, "page": page, "size": size, "data": [self._stored(row) for row in rows]}
        )

    async def _receipts(self, request: Request) -> Response:
        asked = request.query_params
        table = self.judge.tongue.table(asked.get("tableName", ""))
        return _json({"data": self._store.receipts(table, asked.get("identify", ""))})

    async def _counts(self, request: Request) -> Response:
        counted_by = request.query_params.get("by", "received")
        if counted_by not in ("received", "business"):
            return _json({"error": "by 应为 received 或 business"}, 400)
        says = self.judge.tongue.says
        found = [{**row, "tableName": says(row["tableName"])} for row in self._store.counts(counted_by)]
        return _json({"data": found})

    async def _misbehave(self, request: Request) -> Response:
        if request.method == "POST":
            try:
                wanted = json.loads(await request.body())
                if not isinstance(wanted, dict):
                    raise ValueError("应为一个 JSON 对象")
                self.misbehaviour.set(Manners.parse(wanted))
            except ValueError as problem:
                return _json({"error": str(problem)}, 400)
        return _json(self.misbehaviour.manners.as_dict())

    def _stored(self, row: Stored) -> dict[str, Any]:
        return {
            "tableName": self.judge.tongue.says(row.table),
            "identify": row.identify,
            "version": row.version,
            "deptCode": row.dept,
            "receivedAt": row.received_at,
            "receiptNo": row.receipt_no,
            "fields": messages.read_stored(row.body)[1],
        }


def _json(content: Any, status: int = 200) -> Response:
    return Response(messages.encode(content), status, media_type="application/json")


def main() -> None:
    """Run the server until it is told to end."""
    parser = processes.arguments(__doc__ or "")
    parser.add_argument("--specification", type=Path)
    parser.add_argument("--override", type=Path)
    parser.add_argument("--aliases", default="{}", help="this province's own words, JSON")
    parser.add_argument("--signed", action="store_true", help="requests must be signed")
    parser.add_argument("--front-end", default="", help="collect from COLLECTED_DATABASE_URL; host/database")
    given = parser.parse_args()
    lock = processes.hold(given.folder)
    try:
        specification = read(given.specification, given.override)
    except WangtingError as problem:
        raise SystemExit(str(problem)) from None
    store = Store(given.folder / "province.sqlite")
    judge = Judge(store, specification, Tongue(specification, json.loads(given.aliases)))
    token = processes.secret(given.folder / "token")
    verifier = Verifier(SIGN_KEY, processes.secret(given.folder / "sign.secret")) if given.signed else None
    province = Province(store, judge, token, given.mark, verifier)
    app: processes.App = province
    if given.front_end:
        from simulator.province import front_end

        own = json.loads(given.aliases).get("fields") or {}
        app = front_end.Collecting(
            province,
            province.receive,
            judge,
            specification,
            os.environ["COLLECTED_DATABASE_URL"],
            front_end.tables(specification, judge.tongue, own),
            lambda: province.misbehaviour.manners.is_down,
        )
    try:
        processes.serve(app, given.folder, given.mark)
    finally:
        store.close()
        lock.close()


if __name__ == "__main__":
    main()
