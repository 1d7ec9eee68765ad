"""The province's collector at a front-end database: new EX_ rows go before the judge, their flags say what it found.

REC_FLAG 0 is new, 1 taken, 2 refused with REC_CODE (1–4), REC_REASON and REC_NO; RESPONSETIME is when. What was judged
is durable in the province's store before its flag is set: a collector killed in between finds it known the next time.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import dict_row

from simulator.processes import App
from simulator.province import messages
from simulator.province.judging import Judge, Submission
from simulator.province.specification import Record, Specification
from simulator.province.tongue import Tongue
from wangting import clock

_PAUSE = 0.05  # seconds between two looks
_ROWS = 500
_TYPES = {"time": "timestamp", "integer": "numeric", "number": "numeric", "text": "text"}
_SYSTEM = {
    "identify", "version", "deptcode", "rec_flag", "rec_code", "rec_no", "rec_reason", "rec_seq", "inserttime",
    "responsetime",
}  # fmt: skip

Receive = Callable[[list[Submission]], Awaitable[list[dict[str, Any]]]]


def tables(specification: Specification, tongue: Tongue, aliases: dict[str, dict[str, str]]) -> list[str]:
    """The statements that make the tables as this province has them.

    Args:
        aliases: published record type → published field → this province's.
    """
    statements = []
    for table, record in specification.records.items():
        said = aliases.get(table, {})
        fields = [
            f"{said.get(name, name)} {_TYPES[field.type]}"
            for name, field in record.fields.items()
            if name.lower() not in _SYSTEM
        ]
        statements.append(
            f"create table if not exists {tongue.says(table)} (identify text, version integer, deptcode text not null,"
            f" {', '.join(fields)}, rec_flag smallint not null default 0, rec_code smallint, rec_no text,"
            " rec_reason text, rec_seq bigint generated always as identity, inserttime timestamp not null,"
            " responsetime timestamp, primary key (identify, version))"
        )
    return statements


class Collecting:
    """The province's server with a collector beside it; `__call__` is the ASGI application."""

    def __init__(
        self,
        app: App,
        receive: Receive,
        judge: Judge,
        specification: Specification,
        url: str,
        tables: list[str],
        is_down: Callable[[], bool],
    ) -> None:
        self._app, self._receive, self._judge, self._url, self._tables = app, receive, judge, url, tables
        self._records = sorted(specification.records.values(), key=lambda record: record.number)
        self._is_down = is_down
        self._task: asyncio.Task[None] | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve; the first request starts the collector, for there is no loop to run it in before."""
        if self._task is None:
            self._task = asyncio.create_task(self._collect())
        await self._app(scope, receive, send)

    async def _collect(self) -> None:
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(
                    self._url, row_factory=dict_row, autocommit=True
                ) as connection:
                    for statement in self._tables:
                        await connection.execute(statement)
                    while True:
                        if self._is_down() or not await self._look(connection):
                            await asyncio.sleep(_PAUSE)
            except psycopg.Error:  # the database is away, or the sender was making the same tables
                await asyncio.sleep(_PAUSE)

    async def _look(self, connection: psycopg.AsyncConnection[dict[str, Any]]) -> bool:
        """Take what is new, stage by stage; whether there was anything."""
        found = False
        for record in self._records:
            relation = self._judge.tongue.says(record.table).lower()
            cursor = await connection.execute(
                f"select * from {relation} where rec_flag = 0 order by rec_seq limit {_ROWS}"
            )
            rows = await cursor.fetchall()
            if not rows:
                continue
            found = True
            receipts = await self._receive([self._submission(record, row) for row in rows])
            async with connection.transaction(), connection.cursor() as writer:
                await writer.executemany(
                    f"update {relation} set rec_flag = %s, rec_code = %s, rec_no = %s, rec_reason = %s,"
                    " responsetime = %s where identify = %s and version = %s",
                    [_flags(row, receipt) for row, receipt in zip(rows, receipts, strict=True)],
                )
        return found

    def _submission(self, record: Record, row: dict[str, Any]) -> Submission:
        table = self._judge.tongue.says(record.table)
        fields = {
            name.upper(): f"{value:%Y-%m-%d %H:%M:%S}" if isinstance(value, datetime) else str(value)
            for name, value in row.items()
            if name not in _SYSTEM and value is not None and value != ""
        }
        fields["VERSION"] = str(row["version"])
        facts = {
            "deptCode": row["deptcode"],
            "tableName": table,
            "identify": row["identify"],
            "version": str(row["version"]),
        }
        return Submission(facts, table, fields, messages.keep(table, fields))


def _flags(row: dict[str, Any], receipt: dict[str, Any]) -> tuple[Any, ...]:
    code = receipt["code"]
    return (
        1 if code == 0 else 2,
        code or None,
        receipt["receiptNo"],
        "；".join(receipt["reasonList"]) or None,
        clock.now().replace(microsecond=0),
        row["identify"],
        row["version"],
    )
