"""The province's server process: `python -m simulator.province.server --folder … --mark …`.

One event loop, one SQLite connection. Requests that arrive together are judged one after another inside one open
transaction and answered after its single commit, so an acknowledged record is always a durable one.
"""

import asyncio
import hmac
import json
import re
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from simulator import processes
from simulator.province import messages
from simulator.province.checks import APPLICATION, Checker
from simulator.province.misbehaviour import Manners, Misbehaviour
from simulator.province.specification import Specification, read
from simulator.province.store import Store, Stored
from wangting import clock
from wangting.errors import WangtingError

GATHERING_SECONDS = 0.002  # a commit costs as much as judging three records: let some come together first
MAX_BODY = 1_000_000  # bytes; the longest legal record is under 40 kB
MAX_PAGE = 5_000  # rows; a page of whole records stays under 10 MB
_JSON = (b"content-type", b"application/json; charset=utf-8")
_TEXT = (b"content-type", b"text/plain; charset=utf-8")


_VERSION = re.compile(r"[1-9][0-9]{0,8}")


@dataclass(frozen=True)
class _Verdict:
    """What a submission deserves: a refusal (`code` ≠ 0), the receipt it already has (`known`), or to be stored."""

    code: int = 0
    reasons: list[str] = field(default_factory=list)
    known: Stored | None = None
    business_time: str = ""


def _refused(reason: str) -> _Verdict:
    return _Verdict(1, [reason])


class Province:
    """The interface's behaviour; `__call__` is the ASGI application."""

    def __init__(self, store: Store, specification: Specification, token: str, mark: str) -> None:
        self._store = store
        self._checkers = {
            table: Checker(record, specification) for table, record in specification.records.items()
        }
        self._authorization = f"Bearer {token}".encode()
        self._mark = mark
        self._misbehaviour = Misbehaviour()
        self._waiting: list[asyncio.Future[None]] = []
        self._now = ""
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
        if path != "/health" and not self._is_authorized(scope["headers"]):
            await _answer(send, 401, messages.receipt(4, "", ["令牌无效或缺失"]))
        elif path == "/submit":
            if scope["method"] == "POST":
                await self._submit(scope, receive, send)
            else:
                await _answer(send, 405, messages.receipt(3, "", ["提交须用 POST"]))
        else:
            await self._others(scope, receive, send)

    def _is_authorized(self, headers: list[tuple[bytes, bytes]]) -> bool:
        for name, value in headers:
            if name == b"authorization":
                return hmac.compare_digest(value, self._authorization)
        return False

    # ---- submissions ----------------------------------------------------------------------------------------

    async def _submit(self, scope: Any, receive: Any, send: Any) -> None:
        facts = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
        # One connection that sends again and again is a lone sender: nobody else's record is worth waiting for.
        self._has_company, self._last_peer = scope["client"] != self._last_peer, scope["client"]
        body = await _body(receive)
        if body is None:
            return  # the client went away in mid-sentence
        fate = self._misbehaviour.fate(
            facts.get("tableName", ""), facts.get("identify", ""), facts.get("version", "")
        )
        if fate.timeout:
            if fate.stores_before_timeout:
                await self._receive(facts, body, doubled=False)
            while (await receive())["type"] != "http.disconnect":
                pass
            return
        if fate.error:
            await _answer(send, fate.error, "服务暂不可用".encode())
            return
        if fate.receipt3:
            answer = await self._refusal(facts, 3, ["系统繁忙，请稍后重试"])
        else:
            answer = await self._receive(facts, body, doubled=fate.duplicate_receipt)
        if fate.wait_seconds:
            await asyncio.sleep(fate.wait_seconds)
        if fate.stored_error:
            await _answer(send, 500, "处理结果返回失败".encode())
            return
        await _answer(send, 200, answer)

    async def _receive(self, facts: Mapping[str, str], body: bytes, *, doubled: bool) -> dict[str, Any]:
        try:
            answer = self._judge(facts, body, doubled)
            await self._durable()
        except sqlite3.Error as problem:
            self._give_up(problem)
            return messages.receipt(3, "", [f"存储失败：{problem}"])
        return answer

    async def _refusal(self, facts: Mapping[str, str], code: int, reasons: list[str]) -> dict[str, Any]:
        try:
            number = self._store.refuse(facts, self._moment(), code, reasons)
            await self._durable()
        except sqlite3.Error as problem:
            self._give_up(problem)
            number = ""
        return messages.receipt(code, number, reasons)

    def _judge(self, facts: Mapping[str, str], body: bytes, doubled: bool) -> dict[str, Any]:
        """Check and store one submission inside the open transaction; the answer is given only after its commit."""
        verdict = self._check(facts, body)
        if verdict.known is not None:
            if doubled:
                self._store.repeat(verdict.known.receipt)
            return messages.receipt(0, verdict.known.receipt_no)
        if verdict.code:
            number = self._store.refuse(facts, self._moment(), verdict.code, verdict.reasons)
            return messages.receipt(verdict.code, number, verdict.reasons)
        number = self._store.accept(
            facts["tableName"],
            facts["identify"],
            int(facts["version"]),
            facts["deptCode"],
            self._moment(),
            verdict.business_time,
            body,
            2 if doubled else 1,
        )
        return messages.receipt(0, number)

    def _check(self, facts: Mapping[str, str], body: bytes) -> _Verdict:
        missing = [name for name in ("deptCode", "tableName", "identify", "version") if not facts.get(name)]
        if missing:
            return _refused(f"缺少参数 {'、'.join(missing)}")
        table, identify, version_text = facts["tableName"], facts["identify"], facts["version"]
        checker = self._checkers.get(table)
        if checker is None:
            return _refused(f"表名（tableName）{table[:40]} 不在规范之内")
        if not _VERSION.fullmatch(version_text):
            return _refused("版本号（version）应为正整数")
        if not body:
            return _Verdict(2, ["没有报文"])
        if len(body) > MAX_BODY:
            return _refused("报文过大")
        try:
            process, fields = messages.read(body)
        except messages.MessageError as problem:
            return _refused(str(problem))
        version, latest = int(version_text), self._store.latest_version(table, identify)
        if latest >= version:
            same = self._store.find(table, identify, version)
            if same is None:
                return _refused(f"版本号 {version} 低于已接收的版本 {latest}")
            if same.body != body and messages.read(same.body) != (process, fields):
                return _refused(f"版本号 {version} 已接收过不同的内容")
            return _Verdict(known=same)
        reasons = checker.reasons(fields, identify, version_text)
        if process != table:
            reasons.append("报文的 process 与表名（tableName）不一致")
        if table != APPLICATION:
            reasons += checker.after(fields, self._store.latest_time(APPLICATION, fields.get("SBLSH", "")))
        if reasons:
            return _Verdict(1, reasons)
        return _Verdict(business_time=fields.get(checker.record.business_time, ""))

    def _moment(self) -> str:
        # One look at the clock for all that arrive together: it is a file when the city is simulated.
        if not self._now:
            self._now = clock.now().isoformat(" ", "seconds")
        return self._now

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
        waiting, self._waiting, self._now = self._waiting, [], ""
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
        waiting, self._waiting, self._now = self._waiting, [], ""
        for turn in waiting:
            if not turn.done():
                turn.set_exception(problem)

    # ---- everything else ------------------------------------------------------------------------------------

    async def _health(self, request: Request) -> Response:
        return _json({"status": "ok", "mark": self._mark, "time": clock.now().isoformat(" ", "seconds")})

    async def _records(self, request: Request) -> Response:
        asked = request.query_params
        table, identify = asked.get("tableName"), asked.get("identify")
        if table is not None and table not in self._checkers:
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
            return _json(_say(one)) if one else _json({"error": "没有该记录"}, 404)
        if page < 1 or not 1 <= size <= MAX_PAGE:
            return _json({"error": f"page 应从 1 起，size 应为 1 至 {MAX_PAGE}"}, 400)
        total, rows = self._store.page(table, page, size)
        return _json({"total": total, "page": page, "size": size, "data": [_say(row) for row in rows]})

    async def _receipts(self, request: Request) -> Response:
        asked = request.query_params
        return _json({"data": self._store.receipts(asked.get("tableName", ""), asked.get("identify", ""))})

    async def _counts(self, request: Request) -> Response:
        counted_by = request.query_params.get("by", "received")
        if counted_by not in ("received", "business"):
            return _json({"error": "by 应为 received 或 business"}, 400)
        return _json({"data": list(self._store.counts(counted_by))})

    async def _misbehave(self, request: Request) -> Response:
        if request.method == "POST":
            try:
                wanted = json.loads(await request.body())
                if not isinstance(wanted, dict):
                    raise ValueError("应为一个 JSON 对象")
                self._misbehaviour.set(Manners.parse(wanted))
            except ValueError as problem:
                return _json({"error": str(problem)}, 400)
        return _json(self._misbehaviour.manners.as_dict())


def _say(row: Stored) -> dict[str, Any]:
    fields = messages.read(row.body)[1]
    return {
        "tableName": row.table,
        "identify": row.identify,
        "version": row.version,
        "deptCode": row.dept,
        "receivedAt": row.received_at,
        "receiptNo": row.receipt_no,
        "fields": fields,
    }


def _json(content: Any, status: int = 200) -> Response:
    return Response(messages.encode(content), status, media_type="application/json")


async def _body(receive: Any) -> bytes | None:
    message = await receive()
    if message["type"] != "http.request":
        return None
    if not message.get("more_body"):
        return bytes(message.get("body", b""))
    parts = [message.get("body", b"")]
    size = len(parts[0])
    while message.get("more_body"):
        message = await receive()
        if message["type"] != "http.request":
            return None
        size += len(message.get("body", b""))
        if size <= MAX_BODY + 1:  # the rest of what is too long anyway is read but not kept
            parts.append(message.get("body", b""))
        elif len(parts[-1]) != MAX_BODY + 1:
            parts = [bytes(MAX_BODY + 1)]
    return b"".join(parts)


async def _answer(send: Any, status: int, content: dict[str, Any] | bytes) -> None:
    """Answer with a receipt, or, on a bad day, with bare text that is none."""
    is_text = isinstance(content, bytes)
    body = content if isinstance(content, bytes) else messages.encode(content)
    headers = [_TEXT if is_text else _JSON, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def main() -> None:
    """Run the server until it is told to end."""
    parser = processes.arguments(__doc__ or "")
    parser.add_argument("--specification", type=Path)
    parser.add_argument("--override", type=Path)
    given = parser.parse_args()
    lock = processes.hold(given.folder)
    try:
        specification = read(given.specification, given.override)
    except WangtingError as problem:
        raise SystemExit(str(problem)) from None
    store = Store(given.folder / "province.sqlite")
    token = processes.secret(given.folder / "token")
    try:
        processes.serve(Province(store, specification, token, given.mark), given.folder, given.mark)
    finally:
        store.close()
        lock.close()


if __name__ == "__main__":
    main()
