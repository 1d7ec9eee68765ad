"""The ledger's tables are made, and an older ledger is brought up, by themselves: only ever by adding.

Missing tables, nullable columns and indexes are added; the triggers, which are derived from `wangting.states`, are made
anew whenever they differ. What they see to, in the same transaction as the change itself:

- `outbox_counts` agrees with `outbox`;
- a record version enters, changes and leaves only as `wangting.states` says;
- what was sent is never changed in place.
"""

import hashlib
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Engine, MetaData, Table, inspect, text
from sqlalchemy.schema import CreateColumn, CreateIndex, CreateTable

from wangting import states
from wangting.errors import WangtingError

_KEY = 7_021_706  # of PostgreSQL's advisory lock: one writer at a time, as in SQLite
_COUNTED = "record, state, is_backfill, rules"


def lock(connection: Connection) -> None:
    """PostgreSQL: wait for the other writers and keep them waiting until this transaction ends."""
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_KEY})")


def bring_up(made: Engine, metadata: MetaData, writing: Callable[[Engine], Any]) -> None:
    """Make what is missing; costs one look where nothing is.

    Args:
        writing: opens a transaction that has the right to write.

    Raises:
        WangtingError: a table lacks a column that cannot be added to rows that are there.
    """
    wanted = _fingerprint(made, metadata)
    with made.connect() as connection:
        if _found(connection) == wanted:
            return
    with writing(made) as connection:
        if _found(connection) == wanted:  # another process was faster
            return
        had_counts = inspect(connection).has_table("outbox_counts")
        metadata.create_all(connection)
        for table in metadata.sorted_tables:
            _complete(connection, table)
        for statement in _triggers(connection.dialect.name):
            connection.exec_driver_sql(statement)
        if not had_counts:
            connection.exec_driver_sql(
                f"INSERT INTO outbox_counts ({_COUNTED}, n) SELECT record, state, is_backfill,"
                f" {_rules('')} AS held_by, count(*) FROM outbox GROUP BY 1, 2, 3, 4"
            )
        connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS ledger_form (form VARCHAR NOT NULL)")
        connection.exec_driver_sql("DELETE FROM ledger_form")
        connection.execute(text("INSERT INTO ledger_form VALUES (:form)"), {"form": wanted})


def _fingerprint(made: Engine, metadata: MetaData) -> str:
    parts = list(_triggers(made.dialect.name))
    for table in metadata.sorted_tables:
        parts.append(str(CreateTable(table).compile(made)))
        parts += sorted(str(CreateIndex(index).compile(made)) for index in table.indexes)
    return hashlib.blake2s("\n".join(parts).encode(), digest_size=16).hexdigest()


def _found(connection: Connection) -> str | None:
    if not inspect(connection).has_table("ledger_form"):
        return None
    found = connection.exec_driver_sql("SELECT form FROM ledger_form").scalar()
    return str(found) if found is not None else None


def _complete(connection: Connection, table: Table) -> None:
    """Add the columns and indexes that a table of an earlier version lacks."""
    about = inspect(connection)
    there = {column["name"] for column in about.get_columns(table.name)}
    for column in table.columns:
        if column.name in there:
            continue
        if not column.nullable:
            raise WangtingError(
                f"台账的表 {table.name} 缺少列 {column.name}，无法自动补上",
                place="台账",
                mend="用写出该台账的版本打开，或从备份恢复",
            )
        worded = CreateColumn(column).compile(dialect=connection.dialect)
        connection.exec_driver_sql(f"ALTER TABLE {table.name} ADD COLUMN {worded}")
    known = {index["name"] for index in about.get_indexes(table.name)}
    for index in table.indexes:
        if index.name not in known:
            index.create(connection)


def _rules(row: str) -> str:
    """What holds a row, as `outbox_counts` has it; empty unless it is held."""
    return (
        f"CASE WHEN {row}state <> 'HELD' THEN '' WHEN {row}outcome = 'held' THEN coalesce({row}rules, '')"
        " ELSE 'unchecked' END"
    )


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(f"'{name}'" for name in names)


_REFUSED_CHANGE = (
    "OLD.state <> NEW.state AND (OLD.state || '>' || NEW.state) NOT IN ("
    + _listed(tuple(f"{source}>{target}" for source, target in states.CHANGES))
    + ")"
)
# The version that a sender has let go of says for ever what it said.
_REFUSED_REWRITING = (
    f"OLD.state NOT IN ({_listed(states.UNSENT)})"
    " AND (OLD.batch_id <> NEW.batch_id OR OLD.payload_hash <> NEW.payload_hash)"
)
_REFUSED_NAME = "OLD.record <> NEW.record OR OLD.record_key <> NEW.record_key OR OLD.version <> NEW.version"
_GUARDS = {
    "entry": ("INSERT", f"NEW.state NOT IN ({_listed(states.ENTRIES)})"),
    "change": ("UPDATE", f"({_REFUSED_CHANGE}) OR ({_REFUSED_REWRITING}) OR {_REFUSED_NAME}"),
    "leaving": ("DELETE", f"OLD.state NOT IN ({_listed(states.LEAVERS)})"),
}


def _triggers(dialect: str) -> list[str]:
    return _of_postgresql() if dialect == "postgresql" else _of_sqlite()


def _of_sqlite() -> list[str]:
    statements = []
    for name, (happening, condition) in _GUARDS.items():
        statements += [
            f"DROP TRIGGER IF EXISTS outbox_{name}",
            f"CREATE TRIGGER outbox_{name} BEFORE {happening} ON outbox WHEN {condition}"
            f" BEGIN SELECT RAISE(ABORT, 'outbox: no such {name}'); END",
        ]

    def counting(row: str, change: int) -> str:
        return (
            f"INSERT INTO outbox_counts ({_COUNTED}, n)"
            f" VALUES ({row}.record, {row}.state, {row}.is_backfill, {_rules(row + '.')}, {change})"
            f" ON CONFLICT ({_COUNTED}) DO UPDATE SET n = n + ({change});"
        )

    is_other = (
        "OLD.state <> NEW.state OR OLD.is_backfill <> NEW.is_backfill OR OLD.outcome <> NEW.outcome"
        " OR OLD.rules IS NOT NEW.rules"
    )
    for name, happening, body in (
        ("counted_entry", "INSERT ON outbox", counting("NEW", 1)),
        (
            "counted_change",
            f"UPDATE OF state, is_backfill, outcome, rules ON outbox WHEN {is_other}",
            counting("OLD", -1) + " " + counting("NEW", 1),
        ),
        ("counted_leaving", "DELETE ON outbox", counting("OLD", -1)),
    ):
        statements += [
            f"DROP TRIGGER IF EXISTS outbox_{name}",
            f"CREATE TRIGGER outbox_{name} AFTER {happening} BEGIN {body} END",
        ]
    return statements


def _of_postgresql() -> list[str]:
    statements = [
        """
        CREATE OR REPLACE FUNCTION outbox_refused() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION USING MESSAGE = 'outbox: no such ' || TG_ARGV[0], ERRCODE = 'check_violation';
        END $$
        """
    ]
    for name, (happening, condition) in _GUARDS.items():
        statements += [
            f"DROP TRIGGER IF EXISTS outbox_{name} ON outbox",
            f"CREATE TRIGGER outbox_{name} BEFORE {happening} ON outbox FOR EACH ROW WHEN ({condition})"
            f" EXECUTE FUNCTION outbox_refused('{name}')",
        ]
    named = f"record, state, is_backfill, {_rules('')}"
    added, removed = f"SELECT {named}, 1 FROM added", f"SELECT {named}, -1 FROM removed"
    for name, happening, tables, changes in (
        ("counted_entry", "INSERT", "NEW TABLE AS added", added),
        (
            "counted_change",
            "UPDATE",
            "OLD TABLE AS removed NEW TABLE AS added",
            f"{added} UNION ALL {removed}",
        ),
        ("counted_leaving", "DELETE", "OLD TABLE AS removed", removed),
    ):
        statements += [
            f"""
            CREATE OR REPLACE FUNCTION outbox_{name}() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                INSERT INTO outbox_counts AS known ({_COUNTED}, n)
                SELECT {_COUNTED}, sum(n) FROM ({changes}) AS changes ({_COUNTED}, n)
                GROUP BY {_COUNTED} HAVING sum(n) <> 0
                ON CONFLICT ({_COUNTED}) DO UPDATE SET n = known.n + excluded.n;
                RETURN NULL;
            END $$
            """,
            f"DROP TRIGGER IF EXISTS outbox_{name} ON outbox",
            f"CREATE TRIGGER outbox_{name} AFTER {happening} ON outbox REFERENCING {tables}"
            f" FOR EACH STATEMENT EXECUTE FUNCTION outbox_{name}()",
        ]
    return statements
