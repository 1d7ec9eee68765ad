"""The ledger: what was loaded, built, cut, judged, sent and answered. SQLite by default, PostgreSQL by URL.

All times are naive and local to the site's zone. Everything is written with SQLAlchemy Core in short transactions;
a row once final is never updated in place.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    DateTime,
    Engine,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    event,
    func,
    insert,
    select,
)
from sqlalchemy.exc import ArgumentError

from wangting import settings
from wangting.errors import WangtingError

metadata = MetaData()

# A load: its window is committed here BEFORE the source is asked, so that a rerun has the same load_id.
loads = Table(
    "loads",
    metadata,
    Column("load_id", String, primary_key=True),
    Column("source", String, nullable=False),
    Column("table_name", String, nullable=False),
    Column("state", String, nullable=False),  # planned, committed, empty, failed
    Column("commit_seq", Integer),  # grows with every commit; builds take what is above their mark
    Column("window_low", String),  # inclusive lower bound of the cursor, as text; null: from the beginning
    Column("window_high", String),  # inclusive upper bound of the cursor
    Column("load_date", String, nullable=False),
    Column("path", String),  # relative to the home
    Column("rows", BigInteger, nullable=False, default=0),
    Column("bytes", BigInteger, nullable=False, default=0),
    Column("planned_at", DateTime, nullable=False),
    Column("loaded_at", DateTime),
    Column("warning", Text),
    Column("error", Text),
    Index("loads_of_table", "source", "table_name", "state"),
)

# A dropped file is taken once, by its content.
taken_files = Table(
    "taken_files",
    metadata,
    Column("source", String, primary_key=True),
    Column("table_name", String, primary_key=True),
    Column("content_hash", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("load_id", String, nullable=False),
    Column("taken_at", DateTime, nullable=False),
)

lanes = Table(
    "lanes",
    metadata,
    Column("lane", String, primary_key=True),
    Column("built_seq", Integer, nullable=False),
    Column("built_at", DateTime, nullable=False),
    Column("fingerprint", String, nullable=False),  # of the models and declarations that it was built from
)

builds = Table(
    "builds",
    metadata,
    Column("build_id", String, primary_key=True),
    Column("lane", String, nullable=False),
    Column("mode", String, nullable=False),  # full, incremental
    Column("state", String, nullable=False),  # running, passed, failed
    Column("started_at", DateTime, nullable=False),
    Column("finished_at", DateTime),
    Column("new_loads", Integer, nullable=False, default=0),
    Column("models", Integer, nullable=False, default=0),
    Column("tests", Integer, nullable=False, default=0),
    Column("seconds", Integer, nullable=False, default=0),
    Column("error", Text),
)

# A batch: what one cut found new, as Parquet; the evidence.
batches = Table(
    "batches",
    metadata,
    Column("batch_id", String, primary_key=True),
    Column("state", String, nullable=False),  # cut, gated, enqueued
    Column("mode", String, nullable=False),  # full, touched
    Column("cut_at", DateTime, nullable=False),
    Column("rows", BigInteger, nullable=False, default=0),
    Column("exchange_build_seq", Integer, nullable=False, default=0),
    Column("rule_version", String),
    Column("passed", BigInteger, nullable=False, default=0),
    Column("warned", BigInteger, nullable=False, default=0),
    Column("held", BigInteger, nullable=False, default=0),
    Column("unchecked", BigInteger, nullable=False, default=0),
    Column("gated_at", DateTime),
    Column("enqueued_at", DateTime),
)

# What each cut compared, also when it found nothing: the mark above which the next one looks for news.
cuts = Table(
    "cuts",
    metadata,
    Column("cut_no", Integer, primary_key=True),
    Column("mode", String, nullable=False),  # full, touched
    Column("cut_at", DateTime, nullable=False),
    Column("builds", Integer, nullable=False),  # of the exchange lane, of any state, seen until then
    Column("run_no", Integer),  # the exchange lane's newest run that was compared; null: not known
    Column("batch_id", String),  # null: nothing was new
)

# Records that may or must still go, keyed by record type, key and version.
outbox = Table(
    "outbox",
    metadata,
    Column("record", String, primary_key=True),
    Column("record_key", String, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("case_no", String, nullable=False),
    Column("unit_code", String),
    Column("source", String, nullable=False),
    Column("batch_id", String, nullable=False),
    Column("payload_hash", String, nullable=False),
    Column("context_hash", String, nullable=False),
    Column("state", String, nullable=False),  # NEW, BLOCKED, HELD, SENT, RETRY, REJECTED, ACK, SUPERSEDED
    Column("stage", Integer, nullable=False),  # position of the record type in the order of sending
    Column("is_backfill", Boolean, nullable=False),
    Column("outcome", String, nullable=False),  # the gate's: passed, warned, held, unchecked
    Column("rules", Text),  # the rules that hold it or warn of it, comma-separated
    Column("attempts", Integer, nullable=False, default=0),
    Column("next_try_at", DateTime),
    Column("clock_at", DateTime),  # when the 12 hours began; null: no usable business time
    Column("due_at", DateTime),  # clock_at + 12 hours
    Column("written_at", DateTime),  # when the source wrote it; a correction's clock starts here
    Column("arrived_at", DateTime, nullable=False),
    Column("cut_at", DateTime, nullable=False),
    Column("sent_at", DateTime),
    Column("acked_at", DateTime),
    Column("receipt_code", Integer),
    Column("receipt_no", String),
    Column("receipt_text", Text),
    Index("outbox_by_state", "state", "stage", "case_no"),  # in the order of sending
    Index("outbox_by_case", "case_no"),
)

receipts = Table(
    "receipts",
    metadata,
    Column("receipt_id", Integer, primary_key=True, autoincrement=True),
    Column("record", String, nullable=False),
    Column("record_key", String, nullable=False),
    Column("version", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("received_at", DateTime, nullable=False),
    Column("code", Integer),  # null: no receipt came (time-out, refused connection, 5xx)
    Column("receipt_no", String),
    Column("text", Text),
    Index("receipts_of_record", "record", "record_key", "version"),
)


def _made(url: str) -> Engine:
    """The engine of an address, which is never shown: it may hold a password."""
    try:
        return create_engine(url)
    except ModuleNotFoundError as error:
        raise WangtingError(
            f"缺少台账数据库的驱动 {error.name}",
            place="WANGTING_LEDGER_URL",
            mend="在本环境中安装该驱动，或在地址中写明已安装的驱动",
        ) from error
    except ArgumentError as error:  # a dialect that does not exist too
        raise WangtingError(
            "台账地址无法识别",
            place="WANGTING_LEDGER_URL",
            mend="写作 postgresql://用户:密码@主机/库，或去掉它以使用 SQLite",
        ) from error


@lru_cache(maxsize=4)
def _engine(url: str, _process: int) -> Engine:
    made = _made(url)
    if made.dialect.name == "sqlite":

        @event.listens_for(made, "connect")
        def _prepare(connection: Any, _record: Any) -> None:
            # FULL: what was acknowledged must survive a power cut; the busy time-out lets lanes share the file.
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=60000", "foreign_keys=ON"):
                connection.execute(f"PRAGMA {pragma}")

    metadata.create_all(made)
    return made


def engine() -> Engine:
    """The ledger's engine, its tables made on first use; one a process, never carried over a fork."""
    return _engine(settings.ledger_url(), os.getpid())


@contextmanager
def transaction() -> Iterator[Connection]:
    """One transaction: all of it or none."""
    with engine().begin() as connection:
        yield connection


def rows(query: Any) -> list[dict[str, Any]]:
    """The rows of a query as plain dictionaries."""
    with engine().connect() as connection:
        return [dict(row) for row in connection.execute(query).mappings()]


def next_commit_seq(connection: Connection) -> int:
    """The number of the next load to be committed; taken inside the transaction that commits it."""
    if connection.dialect.name == "postgresql":
        # Two committing at once must not get numbers in another order than they become visible.
        connection.exec_driver_sql("LOCK TABLE loads IN EXCLUSIVE MODE")
    highest = connection.execute(select(func.max(loads.c.commit_seq))).scalar()
    return int(highest or 0) + 1


def committed_loads(
    source: str, table: str, *, above: int = 0, up_to: int | None = None
) -> list[dict[str, Any]]:
    """The committed, non-empty loads of one table with `above < commit_seq <= up_to`, in the order of commit."""
    query = select(loads).where(
        loads.c.source == source,
        loads.c.table_name == table,
        loads.c.state == "committed",
        loads.c.commit_seq > above,
    )
    if up_to is not None:
        query = query.where(loads.c.commit_seq <= up_to)
    return rows(query.order_by(loads.c.commit_seq))


def last_commit_seq() -> int:
    """The number of the newest committed load, 0 where nothing was loaded yet."""
    with engine().connect() as connection:
        return int(connection.execute(select(func.max(loads.c.commit_seq))).scalar() or 0)


def upsert(connection: Connection, table: Table, values: list[dict[str, Any]], *, keep: bool = False) -> None:
    """Insert rows; where the key is there already, update it (or, with `keep`, leave it as it is)."""
    if not values:
        return
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects.postgresql import insert as dialect_insert
    else:
        from sqlalchemy.dialects.sqlite import insert as dialect_insert  # type: ignore[assignment]
    statement = dialect_insert(table)
    keys = [column.name for column in table.primary_key]
    if keep:
        statement = statement.on_conflict_do_nothing(index_elements=keys)
    else:
        changed = {name: statement.excluded[name] for name in values[0] if name not in keys}
        statement = statement.on_conflict_do_update(index_elements=keys, set_=changed)
    connection.execute(statement, values)


def record(table: Table, **values: Any) -> None:
    """Write one row in a transaction of its own."""
    with transaction() as connection:
        connection.execute(insert(table).values(**values))


def stamp(moment: datetime) -> str:
    """A moment as part of an identifier: sortable, no punctuation."""
    return moment.strftime("%Y%m%dT%H%M%S")
