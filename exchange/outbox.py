"""The outbox: what may or must still go to the province, each record version in exactly one state.

NEW      may be sent                          SENT      given to the province, no receipt stored yet
BLOCKED  waits for its case's application     RETRY     may be sent again at next_try_at
HELD     failed our own gate                  REJECTED  refused; needs a correction, that is a new version
ACK      the province has it                  SUPERSEDED  a newer version overtook it before it was sent

A case that has any live record is sent whole, its older records too. Other cases wait and are not in the outbox at
all until a backfill is asked for; only what is held of them is, so that it is counted, ages and is found again.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import duckdb
from sqlalchemy import Connection, bindparam, func, select, update

from exchange import batches, deadline, final_files, states
from exchange.records import APPLICATION, RecordType, record_types
from wangting import clock, engine, ledger, locks
from wangting.errors import WangtingError

_CHUNK = 10_000
_NO_RULES = "select null::varchar as record_key, 0 as version, null::varchar as rules where false"
_HOLDS = ("held", "unchecked")
_GATE_WAIT = 60.0  # seconds


@dataclass
class EnqueueSummary:
    """What entered the outbox; counts are record versions.

    Attributes:
        waiting: passed, and wait with their case.
        without_content: of a backfill: wait, and the retention has cleared their content; `wangting cut --restore`
            takes it from the exchange records again.
    """

    batch_id: str
    entered: int = 0
    held: int = 0
    superseded: int = 0
    waiting: int = 0
    without_content: int = 0

    def summary(self) -> dict[str, object]:
        """The same as plain data."""
        return asdict(self)


def enqueue(batch_id: str) -> EnqueueSummary:
    """Bring a judged batch into the outbox; repeating it changes nothing.

    Raises:
        WangtingError: the batch is unknown or not judged yet.
    """
    earlier = batches.committed(before=batch_id)
    found = ledger.rows(select(ledger.batches).where(ledger.batches.c.batch_id == batch_id))
    if not found or not batches.is_judged(found[0]):
        raise WangtingError("该批次还没有经过校验", place=batch_id, mend="先运行 wangting gate")
    summary = EnqueueSummary(batch_id)
    if found[0]["state"] == "enqueued":
        return summary
    if late := [batch["batch_id"] for batch in earlier if batch["state"] != "enqueued"]:
        # A newer judgement must never be overwritten by an older one.
        raise WangtingError(
            "更早的批次还没有入队", place=late[0], mend="先校验并入队该批次（wangting exchange）"
        )
    kinds = record_types()
    work = engine.connect()
    try:
        present = [kind for kind in kinds if batches.record_file(batch_id, kind.table).is_file()]
        _list_cases(work, batch_id, present)
        for kind in kinds:
            query = _wanted(kind, found[0], earlier, kind in present)
            for rows in _chunks(work, _with_past(work, kind, query)):
                _enter(kind, rows, summary)
            if kind in present:
                summary.waiting += _count_waiting(work, batch_id, kind)
    finally:
        work.close()
    with ledger.transaction() as connection:
        connection.execute(
            update(ledger.batches)
            .where(ledger.batches.c.batch_id == batch_id)
            .values(state="enqueued", enqueued_at=clock.now())
        )
    return summary


def enqueue_backfill() -> EnqueueSummary:
    """Bring every passed record of all waiting cases into the outbox; what is there already stays as it is.

    Raises:
        WangtingError: a batch is being judged; a correction in it could come to wait behind its older version.
    """
    with locks.writer("gate", wait=_GATE_WAIT):
        known = batches.committed()
        reduced = batches.reduced()
        summary = EnqueueSummary("backfill")
        work = engine.connect()
        try:
            for kind in record_types():
                query = (
                    f"select {_SELECTED}, null as rules, true as in_exchange"
                    f" from ({batches.latest(known, kind.table)}) as rows where outcome in ('passed', 'warned')"
                    + batches.without(reduced)
                )
                summary.without_content += batches.count_without_content(work, known, reduced, kind.table)
                _know_finals(work, None, kind)
                for rows in _chunks(work, _with_past(work, kind, query)):
                    _enter(kind, rows, summary)
        finally:
            work.close()
    return summary


_NAMES = (
    "record_key", "version", "case_no", "unit_code", "source", "batch_id", "payload_hash", "context_hash",
    "is_backfill", "outcome", "business_time", "source_written_at", "arrived_at", "cut_at",
)  # fmt: skip
_SELECTED = ", ".join(f"rows.{name}" for name in _NAMES)


_PAST = ("is_parent_final", "final_version", "final_state", "final_clock_at")


def _know_finals(work: duckdb.DuckDBPyConnection, cases: list[str] | None, kind: RecordType | None) -> None:
    """Make `final_known`: what the final files have of some cases, or of one record type and of applications."""
    columns = ("record", "record_key", "version", "state", "case_no", "is_backfill", "clock_at")
    where = "true" if kind is None else f"record in ('{kind.record}', '{APPLICATION}')"
    query = final_files.rows(work, final_files.now_there(), columns, cases=cases, where=where)
    work.execute(f"create or replace table final_known as {query}")


def _with_past(work: duckdb.DuckDBPyConnection, kind: RecordType, query: str) -> str:
    """The rows with what the final files know of them, without those that are final themselves."""
    if not work.execute("select 1 from final_known limit 1").fetchone():
        return (
            "select *, false as is_parent_final, null as final_version, null as final_state, null as final_clock_at"
            f" from ({query}) order by case_no, record_key"
        )
    return f"""
        with parents as (
            select distinct case_no from final_known where record = '{APPLICATION}' and state = 'ACK'
        ),
        past as (
            select
                record_key,
                max(version) as final_version,
                arg_max(state, version) as final_state,
                arg_max_null(clock_at, version) as final_clock_at
            from final_known where record = '{kind.record}' group by 1
        )
        select rows.*, parents.case_no is not null as is_parent_final, final_version, final_state, final_clock_at
        from ({query}) as rows
        left join parents on rows.case_no = parents.case_no
        left join past on rows.record_key = past.record_key
        where final_version is null or final_version < rows.version
        order by rows.case_no, rows.record_key
    """


def _list_cases(work: duckdb.DuckDBPyConnection, batch_id: str, kinds: list[RecordType]) -> None:
    """Make `cases`: case_no, in_exchange (is sent whole), is_new_there (what earlier batches have of it comes too)."""
    parts = " union all ".join(
        "select case_no, not is_backfill as is_live"
        f" from {batches.reading([batches.record_file(batch_id, kind.table)])}"
        for kind in kinds
    )
    work.execute(
        f"create table batch_cases as select case_no, bool_or(is_live) as is_live from ({parts}) group by 1"
    )
    # The ledger first: what becomes final meanwhile is then in the files, and in neither never.
    work.execute("create table sent_cases (case_no varchar)")
    for rows in _chunks(work, "select case_no from batch_cases"):
        known = _cases_where(
            [case_no for (case_no,) in rows],
            # What is only held, or was so, does not put an older case on its way.
            ledger.outbox.c.is_backfill.is_(False) | ledger.outbox.c.state.not_in(["HELD", "SUPERSEDED"]),
        )
        named = engine.given({"case_no": "varchar"}, ([case_no] for case_no in sorted(known)))
        work.execute(f"insert into sent_cases select * from {named}")
    cases = [str(case_no) for (case_no,) in work.execute("select case_no from batch_cases").fetchall()]
    _know_finals(work, cases, None)
    work.execute(
        "insert into sent_cases select distinct case_no from final_known"
        " where (not is_backfill or state not in ('HELD', 'SUPERSEDED'))"
        " and case_no not in (select case_no from sent_cases)"
    )
    work.execute(
        "create table cases as select case_no, is_live or sent_cases.case_no is not null as in_exchange,"
        " is_live and sent_cases.case_no is null as is_new_there"
        " from batch_cases left join sent_cases using (case_no)"
    )


def _cases_where(cases: list[str], *conditions: Any) -> set[str]:
    """Those of `cases` that have a row in the outbox under a condition."""
    found: set[str] = set()
    with ledger.engine().connect() as connection:
        query = (
            select(ledger.outbox.c.case_no)
            .distinct()
            .where(ledger.outbox.c.case_no.in_(bindparam("cases", expanding=True)), *conditions)
        )
        found.update(connection.execute(query, {"cases": cases}).scalars())
    return found


def _wanted(kind: RecordType, batch: dict[str, Any], earlier: list[dict[str, Any]], is_present: bool) -> str:
    """One record type's rows to look at: those of the batch, and what newly live cases have from before."""
    batch_id = batch["batch_id"]
    findings = batches.findings_file(batch_id)
    rules = _NO_RULES
    if findings.is_file():
        rules = (
            "select record_key, version, coalesce("
            "string_agg(distinct rule_id, ',' order by rule_id) filter (severity = 'block'),"
            f" string_agg(distinct rule_id, ',' order by rule_id)) as rules from {batches.reading([findings])}"
            f" where record = {engine.literal(kind.record)} group by all"
        )
    columns = f"{_SELECTED}, rows.rules, cases.in_exchange"
    own = _judged(batch_id, kind, rules) if is_present else ""
    parts = []
    if is_present:
        # What waits, was never held and overtakes nothing needs no look at the outbox.
        parts.append(
            f"select {columns}, false as is_earlier from ({own}) as rows inner join cases using (case_no)"
            " where cases.in_exchange or rows.outcome in ('held', 'unchecked')"
            " or rows.version > 1 or rows.is_represented"
        )
    before = batches.latest(earlier, kind.table)
    # Of a case with reduced records the cut has presented again what was never sent.
    gone = batches.without(batches.reduced())
    superseding = (
        f" and rows.record_key not in (select record_key from ({own}) as rows)" if is_present else ""
    )
    parts.append(
        f"select {_SELECTED}, null as rules, true as in_exchange, true as is_earlier from ({before}) as rows"
        " inner join cases using (case_no)"
        f" where cases.is_new_there and outcome in ('passed', 'warned'){gone}{superseding}"
    )
    return f"select * exclude (is_earlier) from ({' union all '.join(parts)})"


def _judged(batch_id: str, kind: RecordType, rules: str) -> str:
    """The batch's rows of one type with outcome and rules; a row without a verdict counts as not checked."""
    file = batches.verdict_file(batch_id, kind.table)
    if not file.is_file():
        raise WangtingError("校验结论文件缺失", place=str(file), mend="从备份恢复该文件，或重新校验该批次")
    return f"""
        select rows.*, coalesce(verdicts.outcome, 'unchecked') as outcome, rules.rules
        from {batches.reading([batches.record_file(batch_id, kind.table)])} as rows
        left join (select record_key, version, outcome from {batches.reading([file])}) as verdicts
            on rows.record_key = verdicts.record_key and rows.version = verdicts.version
        left join ({rules}) as rules on rows.record_key = rules.record_key and rows.version = rules.version
    """


def _count_waiting(work: duckdb.DuckDBPyConnection, batch_id: str, kind: RecordType) -> int:
    """How many of the batch's records passed and wait with their case."""
    row = work.execute(f"""
        select count(*) from ({_judged(batch_id, kind, _NO_RULES)}) as rows inner join cases using (case_no)
        where not cases.in_exchange and rows.outcome not in ('held', 'unchecked')
    """).fetchone()
    assert row is not None  # an aggregate always has a row
    return int(row[0])


def _chunks(work: duckdb.DuckDBPyConnection, query: str) -> Iterator[list[tuple[Any, ...]]]:
    cursor = work.cursor().execute(query)
    while rows := cursor.fetchmany(_CHUNK):
        yield rows


def _enter(kind: RecordType, rows: list[tuple[Any, ...]], summary: EnqueueSummary) -> None:
    """One chunk of rows, in one transaction: what it looks up is true until it ends."""
    named = [dict(zip((*_NAMES, "rules", "in_exchange", *_PAST), row, strict=True)) for row in rows]
    with ledger.transaction() as connection:
        corrections = [row for row in named if row["version"] > 1]
        clocks = _previous_clocks(connection, kind, corrections)
        if corrections:
            summary.superseded += _supersede(connection, kind, corrections)
        waiting = [row for row in named if not row["in_exchange"] and row["outcome"] not in _HOLDS]
        if waiting:
            _no_longer_held(connection, kind, waiting)
        entering = [row for row in named if row["in_exchange"] or row["outcome"] in _HOLDS]
        parents: set[str] = set()
        if kind.record != APPLICATION:
            parents = _acknowledged_cases(connection, {row["case_no"] for row in entering})
        values = [_outbox_row(kind, row, clocks, parents) for row in entering]
        _upsert(connection, values)
        summary.entered += len(values)
        summary.held += sum(value["state"] == "HELD" for value in values)


def _previous_clocks(
    connection: Connection, kind: RecordType, corrections: list[dict[str, Any]]
) -> dict[str, list[Any]]:
    """Record key → what the outbox knows of its versions, oldest first."""
    if not corrections:
        return {}
    o = ledger.outbox
    query = (
        select(o.c.record_key, o.c.version, o.c.state, o.c.clock_at)
        .where(o.c.record == kind.record, o.c.record_key.in_(bindparam("keys", expanding=True)))
        .order_by(o.c.version)
    )
    found: dict[str, list[Any]] = {}
    for row in connection.execute(query, {"keys": [row["record_key"] for row in corrections]}):
        found.setdefault(row.record_key, []).append(row)
    return found


def _supersede(connection: Connection, kind: RecordType, corrections: list[dict[str, Any]]) -> int:
    """A newer version overtakes the older ones that were never sent; what was sent stays as it is."""
    o = ledger.outbox
    values = [{"key": row["record_key"], "newer": row["version"]} for row in corrections]
    if connection.dialect.name == "postgresql":
        # All at once: there the database's own counting is by statement.
        given = [(value["key"], value["newer"]) for value in values]
        newer = ledger.staged(connection, "corrections", [o.c.record_key, o.c.version], given)
        which = [o.c.record_key == newer.c.record_key, o.c.version < newer.c.version]
        return connection.execute(states.change("supersede", o.c.record == kind.record, *which)).rowcount
    which = [o.c.record_key == bindparam("key"), o.c.version < bindparam("newer")]
    return connection.execute(states.change("supersede", o.c.record == kind.record, *which), values).rowcount


def _no_longer_held(connection: Connection, kind: RecordType, waiting: list[dict[str, Any]]) -> None:
    """What passes now and belongs to a waiting case leaves the outbox and waits with its case."""
    o = ledger.outbox
    if not connection.execute(select(o.c.record).where(states.is_in("HELD")).limit(1)).first():
        return
    which = [o.c.record_key == bindparam("key"), o.c.version == bindparam("same")]
    values = [{"key": row["record_key"], "same": row["version"]} for row in waiting]
    connection.execute(states.leave("withdraw", o.c.record == kind.record, *which), values)


def _acknowledged_cases(connection: Connection, cases: set[str]) -> set[str]:
    """Cases whose application is acknowledged, of those whose application is not final."""
    o = ledger.outbox
    if not connection.execute(select(o.c.record).where(states.is_in("ACK")).limit(1)).first():
        return set()
    query = select(o.c.case_no).where(
        o.c.case_no.in_(bindparam("cases", expanding=True)), o.c.record == APPLICATION, states.is_in("ACK")
    )
    return set(connection.execute(query, {"cases": sorted(cases)}).scalars())


def _outbox_row(
    kind: RecordType, row: dict[str, Any], clocks: dict[str, list[Any]], parents: set[str]
) -> dict[str, Any]:
    if row["outcome"] in _HOLDS:
        state = "HELD"
    elif kind.record == APPLICATION or row["is_parent_final"] or row["case_no"] in parents:
        state = "NEW"
    else:
        state = "BLOCKED"
    began = deadline.first_clock(row["business_time"], row["source_written_at"])
    before = [known for known in clocks.get(row["record_key"], []) if known.version < row["version"]]
    past = (before[-1].version, before[-1].state, before[-1].clock_at) if before else (0, "", None)
    if (row["final_version"] or 0) > past[0]:
        past = (row["final_version"], row["final_state"], row["final_clock_at"])
    if past[0]:
        written = row["source_written_at"] or row["arrived_at"]
        began = deadline.corrected_clock(began, past[1], past[2], written)
    return {
        "record": kind.record,
        "record_key": row["record_key"],
        "version": row["version"],
        "case_no": row["case_no"],
        "unit_code": row["unit_code"],
        "source": row["source"],
        "batch_id": row["batch_id"],
        "payload_hash": row["payload_hash"],
        "context_hash": row["context_hash"],
        "state": state,
        "stage": kind.stage,
        "is_backfill": row["is_backfill"],
        "outcome": row["outcome"],
        "rules": row["rules"],
        "attempts": 0,
        "clock_at": began,
        "due_at": began + deadline.LIMIT if began else None,
        "business_time": row["business_time"],
        "written_at": row["source_written_at"],
        "arrived_at": row["arrived_at"],
        "cut_at": row["cut_at"],
        "held_at": row["cut_at"] if row["outcome"] == "held" else None,
    }


_TIMES = ("clock_at", "due_at", "business_time", "written_at", "arrived_at", "cut_at", "held_at")
_JUDGED_ANEW = ("batch_id", "cut_at", "context_hash", "state", "outcome", "rules", "is_backfill")


def _upsert(connection: Connection, values: list[dict[str, Any]]) -> None:
    """Insert; a version that is there and was never sent takes the newer judgement, a sent one stays as it is."""
    if not values:
        return
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects.postgresql import insert
    else:
        from sqlalchemy.dialects.sqlite import insert  # type: ignore[assignment]
    statement = insert(ledger.outbox)
    statement = statement.on_conflict_do_update(
        index_elements=["record", "record_key", "version"],
        set_={name: statement.excluded[name] for name in _JUDGED_ANEW}
        | {"held_at": func.coalesce(ledger.outbox.c.held_at, statement.excluded.held_at)},
        where=states.is_in(*states.UNSENT),
    )
    if connection.dialect.name != "sqlite":
        columns = [ledger.outbox.c[name] for name in values[0]]
        given = ledger.staged(connection, "entering", columns, [tuple(row.values()) for row in values])
        connection.execute(statement.from_select([column.name for column in columns], select(given)))
        return
    # SQLAlchemy's handling of each value takes twice as long as SQLite's insert; so the statement is worded once and
    # the rows go to the driver as they are stored: times as text, to the microsecond.
    compiled = statement.compile(dialect=connection.dialect)
    order = compiled.positiontup or []
    fixed = {name: value for name, value in compiled.params.items() if name not in values[0]}
    for row in values:
        for name in _TIMES:
            if (moment := row[name]) is not None:
                row[name] = moment.isoformat(" ", "microseconds")
    rows = [tuple(row[name] if name in row else fixed[name] for name in order) for row in values]
    connection.exec_driver_sql(str(compiled), rows)
