"""The ledger: what was loaded, built, cut, judged, sent and answered. SQLite by default, PostgreSQL by URL.

All times are naive and local to the site's zone. Everything is written with SQLAlchemy Core in short transactions;
a row once final is never updated in place.
"""

import os
from collections.abc import Iterator, Sequence
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
    func,
    insert,
    select,
    text,
)

from wangting import ledger_connection, ledger_schema, settings
from wangting.ledger_landing import backfills as backfills
from wangting.ledger_landing import comparisons as comparisons
from wangting.ledger_landing import declared_days as declared_days
from wangting.ledger_landing import landing_files as landing_files
from wangting.ledger_landing import loads as loads
from wangting.ledger_landing import metadata as metadata
from wangting.ledger_landing import remarks as remarks
from wangting.ledger_landing import stop_days as stop_days
from wangting.ledger_landing import taken_files as taken_files
from wangting.ledger_releases import frozen_months as frozen_months

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
    Column(
        "reduced_at", DateTime
    ),  # from then on only open records may have more than the register's columns
    Column(
        "payload_rows", BigInteger
    ),  # how many still have; null: not reduced, or the reduction was cut short
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

# Conditions of partial indexes; a query that wants the index says them in the same words.
OPEN_LIVE = "is_backfill = false AND state NOT IN ('ACK', 'SUPERSEDED')"
ACKED_LIVE = "is_backfill = false AND state = 'ACK'"
AHEAD_OF_TIME = "state = 'HELD' AND coalesce(business_time, clock_at) > cut_at"


def _partial(name: str, *columns: str, where: str) -> Index:
    return Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))


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
    Column(
        "business_time", DateTime
    ),  # as the record says, also where it is only a date; null: none, or not kept
    Column("written_at", DateTime),  # when the source wrote it; a correction's clock starts here
    Column("arrived_at", DateTime, nullable=False),
    Column("cut_at", DateTime, nullable=False),
    Column(
        "held_at", DateTime
    ),  # when a rule first held it; kept when it passes later, for whose the delay is
    Column("first_sent_at", DateTime),
    Column("sent_at", DateTime),
    Column("acked_at", DateTime),  # the first time; kept where a lost record goes again
    Column("receipt_code", Integer),
    Column("receipt_no", String),
    Column("receipt_text", Text),
    Index("outbox_by_state", "state", "stage", "case_no"),  # in the order of sending
    Index("outbox_by_case", "case_no"),
    # What is asked every run must not look at millions of rows that it is not about.
    _partial("outbox_retries", "stage", "case_no", "next_try_at", where="state = 'RETRY'"),
    _partial("outbox_next_tries", "next_try_at", where="state = 'RETRY'"),
    # With the state in them, which SQLite would otherwise look up row by row.
    _partial("outbox_open_due", "is_backfill", "due_at", "state", where="state NOT IN ('ACK', 'SUPERSEDED')"),
    _partial("outbox_acked_due", "is_backfill", "due_at", "acked_at", "state", where="state = 'ACK'"),
    _partial("outbox_acked", "acked_at", "case_no", where="state = 'ACK'"),
    _partial("outbox_ahead_of_time", "record", "record_key", where=AHEAD_OF_TIME),
)

# How many rows of `outbox` there are of a kind; kept by the database itself (`wangting.ledger_schema`). `rules`: what
# holds them, comma-separated, or "unchecked"; empty where nothing does.
outbox_counts = Table(
    "outbox_counts",
    metadata,
    Column("record", String, primary_key=True),
    Column("state", String, primary_key=True),
    Column("is_backfill", Boolean, primary_key=True),
    Column("rules", Text, primary_key=True),
    Column("n", BigInteger, nullable=False),
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

# The truth about which files of final rows exist; a file that is not named here does not count.
final_files = Table(
    "final_files",
    metadata,
    Column("path", String, primary_key=True),  # relative to the home; its receipts lie beside it
    Column("case_month", String, nullable=False),  # yyMM of the case number, 0000 where it has none
    Column("rows", BigInteger, nullable=False),
    Column("receipts", BigInteger, nullable=False),
    Column("from_case", String, nullable=False),
    Column("to_case", String, nullable=False),
    Column("latest_due_at", DateTime),
    Column("last_receipt_id", BigInteger, nullable=False),  # 0: none; a number is never given again
    Column("made_at", DateTime, nullable=False),
    Index("final_files_of_month", "case_month"),
)

# How many final rows there are, and how those that were acknowledged stood to their 12 hours.
final_counts = Table(
    "final_counts",
    metadata,
    Column("record", String, primary_key=True),
    Column("state", String, primary_key=True),
    Column("is_backfill", Boolean, primary_key=True),
    Column("n", BigInteger, nullable=False),
    Column("on_time", BigInteger, nullable=False),
    Column("late", BigInteger, nullable=False),
    Column("without_clock", BigInteger, nullable=False),
)

# The same of acknowledged rows, by the day their clock began; empty: no usable business time.
final_days = Table(
    "final_days",
    metadata,
    Column("source", String, primary_key=True),
    Column("unit_code", String, primary_key=True),  # empty: none
    Column("record", String, primary_key=True),
    Column("clock_on", String, primary_key=True),  # yyyy-mm-dd
    Column("is_backfill", Boolean, primary_key=True),
    Column("n", BigInteger, nullable=False),
    Column("on_time", BigInteger, nullable=False),
    Column("late", BigInteger, nullable=False),
)

# Final rows that went back to the outbox because the province lost them: their line in that file no longer counts.
final_recalls = Table(
    "final_recalls",
    metadata,
    Column("record", String, primary_key=True),
    Column("record_key", String, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("move_id", String, primary_key=True),
    Column("case_month", String, nullable=False),
    Column("recalled_at", DateTime, nullable=False),
)

# How far the search for final rows has come; one row.
final_mark = Table(
    "final_mark",
    metadata,
    Column("mark", Integer, primary_key=True),
    Column("acked_up_to", DateTime),  # null: the search begins anew
    Column("case_up_to", String, nullable=False),
    Column("began_at", DateTime, nullable=False),  # this round
    Column("searched_at", DateTime, nullable=False),
)


# What stands in the way until a person or time removes it; one open row a kind and subject.
alarms = Table(
    "alarms",
    metadata,
    Column("alarm_id", Integer, primary_key=True, autoincrement=True),
    Column("kind", String, nullable=False),  # overdue, silent_source, unchecked, receiver, …
    Column("subject", String, nullable=False),  # what it is about, within its kind
    Column("text", Text, nullable=False),
    Column("mend", Text, nullable=False),
    Column("raised_at", DateTime, nullable=False),
    Column("told_at", DateTime),  # when the last channel had heard of it; null: somebody has not
    Column("cleared_at", DateTime),
    Index(
        "alarms_open",
        "kind",
        "subject",
        unique=True,
        sqlite_where=text("cleared_at IS NULL"),
        postgresql_where=text("cleared_at IS NULL"),
    ),
)

# What each channel has been told of an alarm; one that fails is told later, and hinders no other.
tellings = Table(
    "tellings",
    metadata,
    Column("alarm_id", Integer, primary_key=True),
    Column("channel", String, primary_key=True),  # webhook, mail
    Column("told_at", DateTime, nullable=False),
    Column("clear_told_at", DateTime),  # when it heard that the alarm is over
)

# The breaker of each receiver: whether it is sent to at all. It outlives the process.
receivers = Table(
    "receivers",
    metadata,
    Column("receiver", String, primary_key=True),  # route and dialect, as the site words them
    Column("state", String, nullable=False),  # closed, open, half_open (one record asks)
    Column("failures", Integer, nullable=False),  # passes of a push in a row without any answer
    Column("probes", Integer, nullable=False),  # failed since it opened
    Column("opened_at", DateTime),
    Column("probe_at", DateTime),  # not before then does a record ask again
    Column("reason", Text),
)

# When a receiver was away: from the opening of its breaker until an answer came.
outages = Table(
    "outages",
    metadata,
    Column("outage_id", Integer, primary_key=True, autoincrement=True),
    Column("receiver", String, nullable=False),
    Column("began_at", DateTime, nullable=False),
    Column("ended_at", DateTime),
    Column("reason", Text, nullable=False),
)


@lru_cache(maxsize=4)
def _engine(url: str, _process: int) -> Engine:
    made = ledger_connection.made(url)
    ledger_schema.bring_up(made, metadata, _writing)
    return made


@contextmanager
def _writing(made: Engine) -> Iterator[Connection]:
    with made.connect().execution_options(writes=True) as connection, connection.begin():
        if connection.dialect.name == "postgresql":
            ledger_schema.lock(connection)
        yield connection


def engine() -> Engine:
    """The ledger's engine, its tables made on first use; one a process, never carried over a fork."""
    return _engine(settings.ledger_url(), os.getpid())


def forget() -> None:
    """Close this process's connections to the ledger; the next use opens it anew."""
    if _engine.cache_info().currsize:
        engine().dispose()
        _engine.cache_clear()


@contextmanager
def transaction() -> Iterator[Connection]:
    """One transaction that may write: all of it or none, and no other writer at the same time.

    What it reads is therefore true until it ends, on SQLite and PostgreSQL alike; keep it short.

    Raises:
        WangtingError: another process has written for too long, or the database is not there.
    """
    with _writing(engine()) as connection:
        yield connection


@contextmanager
def snapshot() -> Iterator[Connection]:
    """Several reads of one and the same moment."""
    with engine().connect() as connection:
        if connection.dialect.name == "postgresql":
            connection = connection.execution_options(isolation_level="REPEATABLE READ")
        with connection.begin():
            yield connection


def staged(connection: Connection, name: str, columns: list[Any], given: Sequence[Sequence[Any]]) -> Table:
    """A temporary table of rows to be joined with, gone or made anew with the next of its name.

    Args:
        columns: of the ledger's tables, whose names and types it takes; `given` has rows in their order.
    """
    made = Table(
        name,
        MetaData(),
        *(Column(column.name, column.type) for column in columns),
        prefixes=["TEMPORARY"],
        postgresql_on_commit="DROP",
    )
    connection.exec_driver_sql(f"DROP TABLE IF EXISTS {name}")
    made.create(connection)
    if connection.dialect.name == "postgresql":
        listed = ", ".join(column.name for column in columns)
        driver: Any = connection.connection.driver_connection
        with driver.cursor() as cursor, cursor.copy(f"COPY {name} ({listed}) FROM STDIN") as copy:
            for row in given:
                copy.write_row(row)
        connection.exec_driver_sql(f"ANALYZE {name}")  # or the planner takes it for tiny
    elif given:
        names = [column.name for column in columns]
        connection.execute(insert(made), [dict(zip(names, row, strict=True)) for row in given])
    return made


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


def add(connection: Connection, table: Table, values: list[dict[str, Any]]) -> None:
    """Add numbers to the counters of a table, whose keys are made where they are missing."""
    if not values:
        return
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects.postgresql import insert as dialect_insert
    else:
        from sqlalchemy.dialects.sqlite import insert as dialect_insert  # type: ignore[assignment]
    statement = dialect_insert(table)
    keys = [column.name for column in table.primary_key]
    added = {name: table.c[name] + statement.excluded[name] for name in values[0] if name not in keys}
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=added), values)


def record(table: Table, **values: Any) -> None:
    """Write one row in a transaction of its own."""
    with transaction() as connection:
        connection.execute(insert(table).values(**values))


def stamp(moment: datetime) -> str:
    """A moment as part of an identifier: sortable, no punctuation."""
    return moment.strftime("%Y%m%dT%H%M%S")
