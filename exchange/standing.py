"""What monitoring looks at, from the ledger: all that is open, counted; the worst of it by name; the stops; alarms.

Counted where it lies, because millions may be open. Only what is live has a clock; its time left is told in bands, so
that a row changes when something happened or an hour of a clock came, and not with every look.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import chain
from typing import Any

import duckdb
from sqlalchemy import and_, exists, func, literal_column, not_, or_, select, text

from exchange import batches
from exchange.records import record_types, rule_mends, rule_titles
from wangting import engine, ledger

_BANDS = {"h01": 1, "h02": 2, "h04": 4, "h12": 12}  # at most so many hours left
_NAMED = 20  # records a department: enough to work on today, few enough for a screen
_URGENT = timedelta(hours=4)  # as near to its end a record in flight is worth naming
_IN_FLIGHT = ("NEW", "BLOCKED", "SENT", "RETRY")
# What an alarm says of these kinds moves with the clock; kind and subject say as much.
_MOVING = ("overdue", "silent_source")

OPEN_RECORDS = {
    "record": "varchar",
    "source": "varchar",
    "unit_code": "varchar",
    "standing": "varchar",
    "code": "varchar",
    "rule": "varchar",
    "is_backfill": "boolean",
    "band": "varchar",
    "record_title": "varchar",
    "rule_title": "varchar",
    "mend": "varchar",
    "n": "bigint",
    "first_due_at": "timestamp",
}
WORST_RECORDS = {
    "record": "varchar",
    "record_key": "varchar",
    "version": "integer",
    "case_no": "varchar",
    "source": "varchar",
    "unit_code": "varchar",
    "standing": "varchar",
    "code": "varchar",
    "rules": "varchar",
    "is_backfill": "boolean",
    "record_title": "varchar",
    "rule_titles": "varchar",
    "mends": "varchar",
    "due_at": "timestamp",
    "arrived_at": "timestamp",
}
STOP_DAYS = {
    "day": "date",
    "source": "varchar",
    "unit_code": "varchar",
    "record": "varchar",
    "record_title": "varchar",
    "declared": "bigint",
    "landed": "bigint",
    "cut": "bigint",
    "acknowledged": "bigint",
    "read_back": "bigint",
    "stands_since": "timestamp",
}
OPEN_ALARMS = {
    "alarm_id": "bigint",
    "kind": "varchar",
    "source": "varchar",
    "unit_code": "varchar",
    "text": "varchar",
    "mend": "varchar",
    "raised_at": "timestamp",
    "told_at": "timestamp",
}
KINDS: dict[str, dict[str, str]] = {
    "open_records": OPEN_RECORDS,
    "worst_records": WORST_RECORDS,
    "stop_days": STOP_DAYS,
    "open_alarms": OPEN_ALARMS,
}
_O = ledger.outbox


def make(work: duckdb.DuckDBPyConnection, name: str, as_of: datetime) -> None:
    """Make the table `name` in `work`, with the columns of `KINDS[name]`.

    open_records: counts, one row for each record type, source, department ("": none), standing (held, unchecked,
    rejected, blocked, new, sent, retry; unjudged: in a batch that the gate has not come to), code of the rejection
    ("unworded": it could not be put into the receiver's words) and band; where `rule` is not empty, instead of records
    those of them that this rule holds, so that one that breaks two is in both. band: of the time left, late, h01, h02,
    h04, h12 (at most so many hours), more, none (no clock, or backfill). A rejected version with a later one is not
    open. Backfill in flight is counted without source and department.

    worst_records: of each department the twenty that have waited longest for somebody, live ones first: held,
    rejected, or with at most four hours left. stop_days: as the latest reconciliations left them. open_alarms:
    text is null where it would change with the clock.

    Args:
        as_of: naive, local.
    """
    made: dict[str, Callable[[], Iterable[Sequence[object]]]] = {
        "open_records": partial(_open, work, as_of),
        "worst_records": partial(_worst, as_of),
        "stop_days": _stops,
        "open_alarms": _alarms,
    }
    rows = engine.given(KINDS[name], made[name]())
    work.execute(f"create or replace temp table {name} as select * from {rows}")


def _moment(value: datetime) -> str:
    """As both databases write a time: what is grouped by must be words, not parameters."""
    return f"'{value:%Y-%m-%d %H:%M:%S.%f}'"


def _band(as_of: datetime) -> Any:
    within = " ".join(
        f"when due_at <= {_moment(as_of + timedelta(hours=hours))} then '{name}'"
        for name, hours in {"late": 0, **_BANDS}.items()
    )
    return literal_column(
        f"case when is_backfill then 'none' when due_at is null then 'none' {within} else 'more' end"
    )


_UNIT = func.coalesce(_O.c.unit_code, literal_column("''"))
_STANDING: Any = literal_column(
    "case when state = 'HELD' and outcome = 'unchecked' then 'unchecked' else lower(state) end"
)
_RULES: Any = literal_column(
    "case when state = 'HELD' and outcome = 'held' then coalesce(rules, '') else '' end"
)
_CODE: Any = literal_column(
    "case when state = 'REJECTED' then coalesce(cast(receipt_code as varchar(20)), 'unworded') else '' end"
)


def _continued() -> Any:
    later = ledger.outbox.alias("later")
    return and_(
        _O.c.state == "REJECTED",
        exists().where(
            later.c.record == _O.c.record,
            later.c.record_key == _O.c.record_key,
            later.c.version > _O.c.version,
        ),
    )


def _open(work: duckdb.DuckDBPyConnection, as_of: datetime) -> Iterator[Sequence[object]]:
    titles, rules, mends = {kind.record: kind.title for kind in record_types()}, rule_titles(), rule_mends()
    counts: dict[tuple[Any, ...], list[Any]] = {}

    def add(key: tuple[Any, ...], n: int, due_at: datetime | None) -> None:
        known = counts.setdefault(key, [0, None])
        known[0] += n
        known[1] = min(filter(None, (known[1], due_at)), default=None)

    groups = chain(_of_outbox(as_of), _backfill_in_flight(), _unjudged(work))
    for record, source, unit, standing, code, held_by, is_backfill, band, n, due_at in groups:
        due_at = None if is_backfill else due_at
        for rule in ("", *filter(None, held_by.split(","))):
            add((record, source, unit, standing, code, rule, is_backfill, band), n, due_at)
    for key, (n, due_at) in counts.items():
        record, rule = key[0], key[5]
        told = rules.get(rule) if rule else None
        yield *key, titles.get(record, record), told, mends.get((record, rule)), n, due_at


def _of_outbox(as_of: datetime) -> Iterator[tuple[Any, ...]]:
    """All that is live and open, and what is held or rejected of the backfill."""
    groups = (
        _O.c.record, _O.c.source, _UNIT, _STANDING, _CODE, _RULES, _O.c.is_backfill, _band(as_of),
    )  # fmt: skip
    backfill = and_(_O.c.state.in_(("HELD", "REJECTED")), _O.c.is_backfill.is_(True))
    with ledger.snapshot() as connection:
        for condition in (text(ledger.OPEN_LIVE), backfill):
            query = select(*groups, func.count(), func.min(_O.c.due_at))
            yield from map(
                tuple, connection.execute(query.where(condition, not_(_continued())).group_by(*groups))
            )


def _backfill_in_flight() -> Iterator[tuple[Any, ...]]:
    """From the ledger's counters: there may be millions, and none of them has a duty."""
    c = ledger.outbox_counts
    query = select(c.c.record, c.c.state, func.sum(c.c.n).label("n")).where(
        c.c.is_backfill.is_(True), c.c.state.in_(_IN_FLIGHT), c.c.n > 0
    )
    for row in ledger.rows(query.group_by(c.c.record, c.c.state)):
        yield row["record"], "", "", row["state"].lower(), "", "", True, "none", int(row["n"]), None


def _unjudged(work: duckdb.DuckDBPyConnection) -> Iterator[tuple[Any, ...]]:
    """What is cut and not judged yet; what is judged once more stands as it was judged before."""
    waiting = [batch["batch_id"] for batch in batches.committed() if not batches.is_judged(batch)]
    for kind in record_types():
        files = [
            file for batch_id in waiting if (file := batches.record_file(batch_id, kind.table)).is_file()
        ]
        if not files:
            continue
        found = work.execute(
            "select coalesce(source, ''), coalesce(unit_code, ''), is_backfill, count(*)"
            f" from {batches.reading(files)} where not is_represented group by all"
        ).fetchall()
        for source, unit, is_backfill, n in found:
            yield kind.record, source, unit, "unjudged", "", "", is_backfill, "none", n, None


def _worst(as_of: datetime) -> Iterator[Sequence[object]]:
    titles, rules, mends = {kind.record: kind.title for kind in record_types()}, rule_titles(), rule_mends()
    is_near = and_(text(ledger.OPEN_LIVE), _O.c.due_at <= as_of + _URGENT)
    place = func.row_number().over(
        partition_by=_UNIT,
        order_by=(
            _O.c.is_backfill, _O.c.due_at.is_(None), _O.c.due_at, _O.c.arrived_at, _O.c.record, _O.c.record_key,
            _O.c.version,
        ),
    )  # fmt: skip
    ranked = (
        select(
            _O.c.record, _O.c.record_key, _O.c.version, _O.c.case_no, _O.c.source, _UNIT.label("unit"),
            _STANDING.label("standing"), _CODE.label("code"), _RULES.label("held_by"), _O.c.is_backfill, _O.c.due_at,
            _O.c.arrived_at, place.label("place"),
        )
        .where(or_(_O.c.state.in_(("HELD", "REJECTED")), is_near), not_(_continued()))
        .subquery()
    )  # fmt: skip
    for row in ledger.rows(select(ranked).where(ranked.c.place <= _NAMED)):
        broken = list(filter(None, row["held_by"].split(",")))
        yield (
            *(row[name] for name in ("record", "record_key", "version", "case_no", "source", "unit", "standing")),
            row["code"], row["held_by"], row["is_backfill"], titles.get(row["record"], row["record"]),
            _together(rules.get(rule) for rule in broken),
            _together(mends.get((row["record"], rule)) for rule in broken),
            None if row["is_backfill"] else row["due_at"], row["arrived_at"],
        )  # fmt: skip


def _together(sentences: Iterator[str | None]) -> str | None:
    return "；".join(dict.fromkeys(filter(None, sentences))) or None


def _stops() -> Iterator[Sequence[object]]:
    titles = {kind.record: kind.title for kind in record_types()}
    for row in ledger.rows(select(ledger.stop_days)):
        told: Mapping[str, Any] = row | {"record_title": titles.get(row["record"], row["record"])}
        yield [told[name] for name in STOP_DAYS]


def _alarms() -> Iterator[Sequence[object]]:
    a = ledger.alarms
    for row in ledger.rows(select(a).where(a.c.cleared_at.is_(None))):
        unit, _, source = row["subject"].partition("|") if row["kind"] == "overdue" else ("", "", "")
        told: Mapping[str, Any] = row | {
            "unit_code": unit,
            "source": row["subject"] if row["kind"] == "silent_source" else source,
            "text": None if row["kind"] in _MOVING else row["text"],
        }
        yield [told[name] for name in OPEN_ALARMS]
