"""What the province has received, in one SQLite file (WAL).

Rows are written into an open transaction as they are accepted and become durable by `commit`, which the server
calls once for all records that arrived together; nobody is answered before that.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SCHEMA = """
create table if not exists records (
    receipt integer primary key,
    table_name text not null,
    identify text not null,
    version integer not null,
    dept_code text not null,
    received_at text not null,
    business_time text not null,
    receipt_copies integer not null default 1,
    body blob not null
);
create unique index if not exists records_by_key on records (table_name, identify, version);
create index if not exists records_by_table on records (table_name);
create table if not exists refusals (
    receipt integer primary key,
    table_name text not null,
    identify text not null,
    version text not null,
    dept_code text not null,
    received_at text not null,
    code integer not null,
    reasons text not null
);
create index if not exists refusals_by_key on refusals (table_name, identify);
create table if not exists counts (
    counted_by text not null,
    day text not null,
    dept_code text not null,
    table_name text not null,
    records integer not null,
    primary key (counted_by, day, dept_code, table_name)
) without rowid;
"""
_NUMBERED = ("records", "refusals")
_COLUMNS = "receipt, table_name, identify, version, dept_code, received_at, receipt_copies, body"


@dataclass(frozen=True)
class Stored:
    """One stored version of a record; `body` is the message as it was received."""

    receipt: int
    table: str
    identify: str
    version: int
    dept: str
    received_at: str
    copies: int
    body: bytes

    @property
    def receipt_no(self) -> str:
        """The number under which the province acknowledged it."""
        return receipt_number(self.receipt, self.received_at)


def receipt_number(receipt: int, received_at: str) -> str:
    """The receipt number that people see: the day and a running number."""
    return f"{received_at[:10].replace('-', '')}{receipt:010d}"


class Store:
    """The province's records, refusals and counts. Not for use by two threads or two processes."""

    def __init__(self, path: Path) -> None:
        self._con = sqlite3.connect(path, isolation_level=None, cached_statements=64)
        path.chmod(0o600)
        # NORMAL: a commit outlives the process, however that ends. It need not outlive the machine: a simulator
        # that waits for the disk at every commit measures the disk and not the sender.
        for setting in (
            "journal_mode=wal",
            "synchronous=normal",
            "cache_size=-65536",
            "wal_autocheckpoint=8000",
        ):
            self._con.execute(f"pragma {setting}")
        self._con.executescript(_SCHEMA)
        newest = [self._con.execute(f"select max(receipt) from {name}").fetchone()[0] for name in _NUMBERED]
        self._next = max(number or 0 for number in newest) + 1
        self._counted: Counter[tuple[str, str, str, str]] = Counter()

    def latest_version(self, table: str, identify: str) -> int:
        """The highest version stored of a record, 0 when there is none."""
        row = self._con.execute(
            "select version from records where table_name = ? and identify = ? order by version desc limit 1",
            (table, identify),
        ).fetchone()
        return int(row[0]) if row else 0

    def latest_time(self, table: str, identify: str) -> str | None:
        """The business time of a record's highest version, None when the record is not stored."""
        row = self._con.execute(
            "select business_time from records where table_name = ? and identify = ?"
            " order by version desc limit 1",
            (table, identify),
        ).fetchone()
        return str(row[0]) if row else None

    def find(self, table: str, identify: str, version: int | None = None) -> Stored | None:
        """One version of a record (default: the highest)."""
        which = "" if version is None else "and version = ?"
        row = self._con.execute(
            f"select {_COLUMNS} from records where table_name = ? and identify = ? {which}"
            " order by version desc limit 1",
            (table, identify) if version is None else (table, identify, version),
        ).fetchone()
        return Stored(*row) if row else None

    def page(self, table: str | None, page: int, size: int) -> tuple[int, list[Stored]]:
        """How many record versions there are, and one page of them in order of receipt."""
        # The page is chosen on the narrow index alone: skipping over whole messages would read them all.
        where, values = ("where table_name = ?", [table]) if table else ("where true", [])
        total = self._con.execute(
            f"select coalesce(sum(records), 0) from counts {where} and counted_by = 'received'",
            values,
        ).fetchone()[0]
        order = f"select receipt from records {where} order by receipt limit ? offset ?"
        rows = self._con.execute(
            f"select {_COLUMNS} from records where receipt in ({order}) order by receipt",
            [*values, size, (page - 1) * size],
        ).fetchall()
        return int(total), [Stored(*row) for row in rows]

    def accept(
        self,
        table: str,
        identify: str,
        version: int,
        dept: str,
        at: str,
        business_time: str,
        body: bytes,
        copies: int,
    ) -> str:
        """Write a record into the open transaction and return its receipt number."""
        self._begin()
        receipt = self._next
        self._con.execute(
            "insert into records values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (receipt, table, identify, version, dept, at, business_time, copies, body),
        )
        self._next += 1
        self._counted["received", at[:10], dept, table] += 1
        self._counted["business", business_time[:10], dept, table] += 1
        return receipt_number(receipt, at)

    def refuse(self, facts: Mapping[str, str], at: str, code: int, reasons: list[str]) -> str:
        """Write a refusal into the open transaction and return its receipt number."""
        self._begin()
        receipt = self._next
        named = tuple(facts.get(name, "") for name in ("tableName", "identify", "version", "deptCode"))
        self._con.execute(
            "insert into refusals values (?, ?, ?, ?, ?, ?, ?, ?)",
            (receipt, *named, at, code, "；".join(reasons)),
        )
        self._next += 1
        return receipt_number(receipt, at)

    def repeat(self, receipt: int) -> None:
        """Note that a receipt was written once more than it should have been."""
        self._begin()
        self._con.execute(
            "update records set receipt_copies = receipt_copies + 1 where receipt = ?", (receipt,)
        )

    def commit(self) -> None:
        """Make everything since the last commit durable; on failure nothing of it is kept."""
        if not self._con.in_transaction:
            return
        try:
            self._con.executemany(
                "insert into counts values (?, ?, ?, ?, ?)"
                " on conflict do update set records = records + excluded.records",
                [(*key, number) for key, number in self._counted.items()],
            )
            self._con.execute("commit")
        except sqlite3.Error:
            self.rollback()
            raise
        self._counted.clear()

    def rollback(self) -> None:
        """Forget everything since the last commit."""
        self._counted.clear()
        if self._con.in_transaction:
            self._con.execute("rollback")

    def counts(self, counted_by: str) -> Iterator[dict[str, Any]]:
        """Record versions stored, a day (of receipt, or of business time), department and record type."""
        names = ("day", "deptCode", "tableName", "count")
        query = (
            "select day, dept_code, table_name, records from counts where counted_by = ?"
            " order by day, dept_code, table_name"
        )
        with closing(self._con.execute(query, (counted_by,))) as rows:
            for row in rows:
                yield dict(zip(names, row, strict=True))

    def receipts(self, table: str, identify: str) -> list[dict[str, Any]]:
        """Every receipt written for a record, a doubled one as often as it was written."""
        stored = self._con.execute(
            f"select {_COLUMNS} from records where table_name = ? and identify = ? order by receipt",
            (table, identify),
        ).fetchall()
        found: list[dict[str, Any]] = []
        for one in (Stored(*row) for row in stored):
            entry = {"receiptNo": one.receipt_no, "version": str(one.version), "code": 0, "reasonList": []}
            found.extend(dict(entry) for _ in range(one.copies))
        refused = self._con.execute(
            "select receipt, received_at, version, code, reasons from refusals where table_name = ? and identify = ?",
            (table, identify),
        )
        for receipt, at, version, code, reasons in refused:
            number = receipt_number(receipt, at)
            found.append(
                {"receiptNo": number, "version": version, "code": code, "reasonList": reasons.split("；")}
            )
        return sorted(found, key=lambda entry: str(entry["receiptNo"]))

    def close(self) -> None:
        """Commit and close."""
        self.commit()
        self._con.close()

    def _begin(self) -> None:
        if not self._con.in_transaction:
            self._con.execute("begin")
