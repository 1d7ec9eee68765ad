"""The front-end database (前置机): we write EX_ rows, the receiver takes them and says so in REC_FLAG.

A chunk goes in one transaction; a row that is there already stays as it is, so that writing it again changes nothing,
and only one that the receiver could not take for reasons of its own (REC_CODE 3) is offered anew. What lies there is
SENT; a later run reads the flags back as receipts. PostgreSQL's text cannot carry the null character: such a record is
refused here, with a receipt of our own.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Self, TypeVar

import psycopg
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row

from exchange.messages import Message
from exchange.receivers import front_end_tables
from exchange.receivers.front_end_tables import column_of
from exchange.receivers.names import Names, names_of, own_fields, text
from exchange.receivers.protocol import Answer, UnwelcomeError, Wording
from exchange.records import RecordType, record_types
from wangting import clock, settings
from wangting.errors import WangtingError
from wangting.site import Province, Site

_NAME = "前置库"
_LARGEST = 2_000  # rows a transaction
_SYSTEM = {
    "identify", "version", "deptcode", "rec_flag", "rec_code", "rec_no", "rec_reason", "rec_seq", "inserttime",
    "responsetime",
}  # fmt: skip

Value = TypeVar("Value")
_Connection = psycopg.AsyncConnection[dict[str, Any]]


class FrontEndReceiver:
    """A session with the front-end database; see the protocol."""

    answers_at_once = False
    breaks_after = 1  # a database that takes no connection takes none a moment later either
    batch = _LARGEST

    def __init__(self, site: Site, province: Province) -> None:
        place = f"{site.path / 'site.yml'} 的 province.front_end"
        url = settings.resolve(province.front_end.url, place=place)
        self._parts = _parts(url, place)
        host, database = self._parts.get("host") or "本机", self._parts.get("dbname") or ""
        self.place = f"{_NAME} {host}/{database}"
        self._schema = province.front_end.relations
        self._dept = province.dept_code
        self._timeout = province.timeout.total_seconds()
        self._kinds = {kind.record: kind for kind in record_types()}
        self.names = names_of(site, province.aliases)
        self._connection: _Connection | None = None
        self._is_prepared = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._close()

    async def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    def wording(self, kind: RecordType) -> Wording:
        """See the protocol; the body is the row as a JSON object of its columns."""
        names = self.names[kind.record]
        dept = self._dept.replace("'", "''")
        pairs = [
            f"'\"{column_of(field, names)}\":' || to_json(nullif({text(field, names)}, ''))"
            for field in own_fields(kind)
        ]
        fixed = f"'\"version\":' || version || ',\"deptcode\":' || to_json('{dept}')"
        body = f"'{{\"identify\":' || to_json(record_key) || ',' || concat_ws(',', {fixed}, {', '.join(pairs)}) || '}}'"
        cases = " ".join(
            f"when contains(coalesce(\"{field.column}\", ''), chr(0)) then '{field.official}'"
            for field in own_fields(kind)
            if field.type == "text"
        )
        refusal = f"case when contains(body, '\\u0000') then case {cases} end end"
        return Wording("''", body, refusal, "含空字符，PostgreSQL 不能保存")

    # ---- writing --------------------------------------------------------------------------------------------

    async def submit(self, messages: Sequence[Message]) -> list[Answer]:
        """See the protocol."""
        kind = self._kinds[messages[0].record]

        async def write(connection: _Connection) -> list[Answer]:
            try:
                async with connection.transaction():
                    await self._insert(connection, kind, messages)
            except (psycopg.DataError, psycopg.IntegrityError):
                return await self._one_by_one(connection, kind, messages)
            return [Answer("left")] * len(messages)

        came = await self._asked(write)
        return [came] * len(messages) if isinstance(came, Answer) else came

    async def _one_by_one(
        self, connection: _Connection, kind: RecordType, messages: Sequence[Message]
    ) -> list[Answer]:
        """The same rows, each on its own: one that the table does not take must not hinder the others."""
        answers = []
        async with connection.transaction():
            for message in messages:
                try:
                    async with connection.transaction():
                        await self._insert(connection, kind, [message])
                except (psycopg.DataError, psycopg.IntegrityError) as error:
                    # The database's own words quote the value.
                    where = f"，列 {error.diag.column_name}" if error.diag.column_name else ""
                    answers.append(
                        Answer("receipt", 1, None, f"{_NAME}不接受该行（SQLSTATE {error.sqlstate}{where}）")
                    )
                else:
                    answers.append(Answer("left"))
        return answers

    async def _insert(self, connection: _Connection, kind: RecordType, messages: Sequence[Message]) -> None:
        names = self.names[kind.record]
        relation = f"{self._schema}.{names.record.lower()}"
        mine = ["identify", "version", "deptcode", *(column_of(field, names) for field in own_fields(kind))]
        rows = b"[" + b",".join(message.body for message in messages) + b"]"
        await connection.execute(
            f"""
                insert into {relation} as there ({", ".join(mine)}, inserttime)
                select {", ".join(mine)}, %s from json_populate_recordset(null::{relation}, %s::json)
                on conflict (identify, version) do update
                set rec_flag = 0, rec_code = null, rec_reason = null, responsetime = null
                where there.rec_flag not in (0, 1) and there.rec_code = 3
            """,
            (clock.now(), rows.decode()),
        )

    # ---- reading back ---------------------------------------------------------------------------------------

    async def look_up(self, messages: Sequence[Message]) -> list[Answer | None]:
        """See the protocol; one query a record type."""
        wanted: dict[str, list[Message]] = {}
        for message in messages:
            wanted.setdefault(message.record, []).append(message)
        found: dict[tuple[str, str, int], Answer] = {}
        for record, mine in wanted.items():
            rows = await self._query(
                f"select identify, version, rec_flag, rec_code, rec_no, rec_reason, responsetime"
                f" from {self._relation(record)} inner join unnest(%s::text[], %s::int[]) as wanted (identify, version)"
                " using (identify, version)",
                ([message.record_key for message in mine], [message.version for message in mine]),
            )
            for row in rows:
                found[record, row["identify"], row["version"]] = _answer(row)
        return [found.get((message.record, message.record_key, message.version)) for message in messages]

    async def read(self, record: str, record_key: str, version: int) -> dict[str, Any] | None:
        """See the protocol; also what the receiver has not taken yet: receivedAt is null then."""
        rows = await self._query(
            f"select * from {self._relation(record)} where identify = %s and version = %s",
            (record_key, version),
        )
        return self._said(record, rows[0]) if rows else None

    async def pages(self, record: str, size: int = 1000) -> AsyncIterator[list[dict[str, Any]]]:
        """See the protocol; what the receiver has taken."""
        after = 0
        while True:
            rows = await self._query(
                f"select * from {self._relation(record)} where rec_flag = 1 and rec_seq > %s"
                f" order by rec_seq limit {int(size)}",
                (after,),
            )
            if not rows:
                return
            after = rows[-1]["rec_seq"]
            yield [self._said(record, row) for row in rows]

    async def counts(self) -> list[dict[str, Any]]:
        """See the protocol; of what the receiver has taken."""
        found: list[dict[str, Any]] = []
        for record in self._kinds:
            rows = await self._query(
                "select to_char(responsetime, 'YYYY-MM-DD') as day, deptcode, count(*) as rows"
                f" from {self._relation(record)} where rec_flag = 1 group by 1, 2",
                (),
            )
            found += [
                {"day": row["day"], "deptCode": row["deptcode"], "tableName": record, "count": row["rows"]}
                for row in rows
            ]
        return found

    async def is_there(self) -> bool:
        """See the protocol."""
        try:
            await self._query("select 1 as one", ())
        except UnwelcomeError:
            return True
        except WangtingError:
            return False
        return True

    def _relation(self, record: str) -> str:
        return f"{self._schema}.{self.names[record].record.lower()}"

    def _said(self, record: str, row: dict[str, Any]) -> dict[str, Any]:
        there = {
            name.upper(): f"{value:%Y-%m-%d %H:%M:%S}" if isinstance(value, datetime) else str(value)
            for name, value in row.items()
            if name not in _SYSTEM and value is not None
        }
        names: Names = self.names[record]
        taken_at = row["responsetime"]
        return {
            "tableName": record,
            "identify": row["identify"],
            "version": row["version"],
            "deptCode": row["deptcode"],
            "receivedAt": f"{taken_at:%Y-%m-%d %H:%M:%S}" if taken_at else None,
            "receiptNo": row["rec_no"],
            "fields": names.undone(there) | {"VERSION": str(row["version"])},
        }

    # ---- the connection -------------------------------------------------------------------------------------

    async def _query(self, query: str, values: Sequence[Any]) -> list[dict[str, Any]]:
        async def ask(connection: _Connection) -> list[dict[str, Any]]:
            return await (await connection.execute(query, values)).fetchall()

        found = await self._asked(ask)
        if isinstance(found, Answer):
            raise WangtingError(f"读回失败（{found.text}）", place=self.place, mend=f"确认{_NAME}可用后再试")
        return found

    async def _asked(self, work: Callable[[_Connection], Awaitable[Value]]) -> Value | Answer:
        """Work on the connection, which is opened where there is none; a failure says why it came to nothing.

        Raises:
            UnwelcomeError: account, rights or tables are not as they must be.
        """
        text, unwelcome = "", ""
        try:
            async with asyncio.timeout(self._timeout):
                return await work(await self._open())
        except TimeoutError:
            text = "超时"
        except (errors.InsufficientPrivilege, errors.UndefinedTable, errors.UndefinedColumn) as error:
            unwelcome = f"账号没有权限，或表不是约定的样子（SQLSTATE {error.sqlstate}）"
        except psycopg.Error as error:
            # A failed connection carries no code of its own, only the server's words; they hold no password.
            if "authentication failed" in str(error):
                unwelcome = "不接受账号或口令"
            text = f"数据库错误 SQLSTATE {error.sqlstate}" if error.sqlstate else "连接不上"
        await self._close()
        if unwelcome:
            raise UnwelcomeError(
                unwelcome, place=self.place, mend="更正地址与账号；建表语句见 wangting push --tables"
            )
        return Answer("failure", text=text, was_heard=False)

    async def _open(self) -> _Connection:
        if self._connection is None or self._connection.closed:
            self._connection = await psycopg.AsyncConnection.connect(
                **{**self._parts, "connect_timeout": max(int(self._timeout), 2)},
                row_factory=dict_row,
                autocommit=True,
            )
        if not self._is_prepared:
            await self._prepare(self._connection)
            self._is_prepared = True
        return self._connection

    async def _prepare(self, connection: _Connection) -> None:
        """Make the tables that are missing, and see that those there have what is needed."""
        cursor = await connection.execute(
            "select table_name, column_name from information_schema.columns where table_schema = %s",
            (self._schema,),
        )
        there: dict[str, set[str]] = {}
        for row in await cursor.fetchall():
            there.setdefault(row["table_name"], set()).add(row["column_name"])
        for record, kind in self._kinds.items():
            names = self.names[record]
            if (known := there.get(names.record.lower())) is None:
                for statement in front_end_tables.table(self._schema, kind, names):
                    await connection.execute(statement)
            elif missing := front_end_tables.columns(kind, names) - known:
                raise UnwelcomeError(
                    f"表 {names.record} 缺少列 {'、'.join(sorted(name.upper() for name in missing))}",
                    place=self.place,
                    mend="请接收方按 wangting push --tables 补上，或在 province.aliases 写明对方的列名",
                )


def _answer(row: dict[str, Any]) -> Answer:
    flag, at = row["rec_flag"], row["responsetime"]
    if flag == 0:
        return Answer("left")
    if flag == 1:
        return Answer("receipt", 0, row["rec_no"] or "REC_FLAG=1", "前置库已接收", at=at)
    code = row["rec_code"] if row["rec_code"] in (1, 2, 3, 4) else 1
    return Answer("receipt", code, row["rec_no"], row["rec_reason"] or f"REC_FLAG={flag}", at=at)


def _parts(url: str, place: str) -> dict[str, Any]:
    """The address taken apart; what cannot be is not shown, for it may hold the password."""
    try:
        parts = conninfo_to_dict(url)
    except psycopg.Error:
        parts = {}
    if not parts:
        raise WangtingError(
            "前置库地址无法识别", place=place, mend="写作 postgresql://用户:口令@主机:端口/库"
        )
    return parts
