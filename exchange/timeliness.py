"""The 12-hour ledger: who is on time, whose the delay is, and what must go next.

Read from the whole history of the outbox with DuckDB, which spills to disk; nothing is written to the ledger.
"""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Literal, get_args

import duckdb

from exchange import attribution
from exchange.records import record_types
from wangting import clock, engine, seeds, silence
from wangting.errors import WangtingError
from wangting.site import current_site

Dimension = Literal["system", "department", "stage", "day"]
# The day of a record is the one on which its clock began, or on which it came where there is none.
_DAY = "cast(coalesce(clock_at, arrived_at) as date)"
_COLUMNS: dict[Dimension, str] = {
    "system": "source",
    "department": "coalesce(unit_code, '')",
    "stage": "record",
    "day": f"cast({_DAY} as varchar)",
}
_STANDINGS = ("on_time", "late_acknowledged", "late_unsent", "not_due", "without_clock", "backfill")
_DUE = "standing in ('on_time', 'late_acknowledged', 'late_unsent')"
_LATE = "standing in ('late_acknowledged', 'late_unsent')"
_LISTED = (
    "record", "record_key", "version", "case_no", "source", "unit_code", "batch_id", "state", "rules", "business_time",
    "clock_at", "arrived_at", "cut_at", "first_sent_at", "acked_at", "due_at", "standing", "delay_us",
    "source_us", "ours_us", "province_us", "decisive",
)  # fmt: skip
_PERIOD = re.compile(r"^(\d{4})(?:-(\d{2}))?(?:-(\d{2}))?$")


@dataclass
class Timeliness:
    """The duty in figures as of a moment; a version after a rejection and the rejected one are one record.

    Attributes:
        total: one row as in `groups`, of everything in the period.
        groups: a row a value of the dimensions asked for: due (the denominator), on_time, share (null: nothing is due),
            late_acknowledged, late_unsent, late_source, late_ours, late_province (of the late ones, whose part is the
            largest), source_hours, ours_hours, province_hours (of all that is due, together), not_due,
            not_due_acknowledged, without_clock, backfill.
        worst: the late records with the longest delay. urgent: what is in flight and not yet late, least time first.
            Rows with every moment of the way, the parts in seconds, and seconds_left.
        hours_left: how many in flight have at most 1, 2, 4 and 12 hours left.
        silent: every source with its last arrival and its working hours of silence.
    """

    as_of: datetime
    period: str | None
    by: list[str]
    total: dict[str, Any]
    groups: list[dict[str, Any]] = field(default_factory=list)
    worst: list[dict[str, Any]] = field(default_factory=list)
    urgent: list[dict[str, Any]] = field(default_factory=list)
    hours_left: dict[str, int] = field(default_factory=dict)
    silent: list[dict[str, Any]] = field(default_factory=list)

    def summary(self) -> dict[str, Any]:
        """The same as plain data."""
        return asdict(self)


def timeliness(
    *,
    by: Sequence[str] = (),
    as_of: datetime | None = None,
    period: str | None = None,
    worst: int = 10,
) -> Timeliness:
    """The ledger of the 12 hours.

    Args:
        by: dimensions of the groups: system, department, stage, day.
        as_of: naive, local; None: now.
        period: days on which clocks began, 「2017」, 「2017-11」, 「2017-11-30」 or two of them with 「..」; None: all.
        worst: how many records to list.

    Raises:
        WangtingError: a dimension or period that cannot be read.
    """
    if unknown := [name for name in by if name not in get_args(Dimension)]:
        known = "、".join(get_args(Dimension))
        raise WangtingError(f"不认识的维度 {unknown[0]}", place="--by", mend=f"可用 {known}")
    low, high = _days(period)
    moment = as_of or clock.now()
    work = engine.connect()
    try:
        attribution.make_records(work, moment)
        if period is not None:
            work.execute(f"delete from records where {_DAY} not between date '{low}' and date '{high}'")
        names = [_COLUMNS[name] for name in get_args(Dimension) if name in by]
        dimensions = [name for name in get_args(Dimension) if name in by]
        groups = _groups(work, dimensions, names) if dimensions else []
        return Timeliness(
            as_of=moment,
            period=period,
            by=list(dimensions),
            total=_groups(work, [], [])[0],
            groups=groups,
            worst=_listed(
                work, moment, f"{_LATE} order by delay_us desc, record, record_key limit {int(worst)}"
            ),
            urgent=_listed(
                work, moment, f"{_IN_FLIGHT} order by due_at, record, record_key limit {int(worst)}"
            ),
            hours_left=_hours_left(work, moment),
            silent=[asdict(row) | {"is_silent": row.is_silent} for row in silence.silences(moment)],
        )
    finally:
        work.close()


_IN_FLIGHT = "standing = 'not_due' and acked_at is null"


def standings(as_of: datetime) -> dict[tuple[str, str], list[str]]:
    """(record, key) → how each of its counted records stands, oldest version first; backfill is left out."""
    work = engine.connect()
    try:
        attribution.make_records(work, as_of)
        found = work.execute(
            "select record, record_key, list(standing order by version) from records"
            " where standing <> 'backfill' group by 1, 2"
        ).fetchall()
    finally:
        work.close()
    return {(record, key): list(values) for record, key, values in found}


def _days(period: str | None) -> tuple[date, date]:
    """First and last day of a period."""
    if period is None:
        return date.min, date.max
    first, _, last = period.partition("..")
    return _span(first, period)[0], _span(last or first, period)[1]


def _span(text: str, period: str) -> tuple[date, date]:
    try:
        match = _PERIOD.match(text.strip())
        if match is None:
            raise ValueError
        year, month, day = (int(part) if part else None for part in match.groups())
        assert year is not None  # the expression has it
        if month is None:
            return date(year, 1, 1), date(year, 12, 31)
        if day is None:
            following = date(year + month // 12, month % 12 + 1, 1)
            return date(year, month, 1), following - timedelta(days=1)
        return date(year, month, day), date(year, month, day)
    except ValueError as error:
        raise WangtingError(
            f"期间 {period} 无法识别",
            place="--period",
            mend="写作 2017、2017-11、2017-11-30 或 2017-11-30..2017-12-06",
        ) from error


def _dicts(work: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    cursor = work.execute(query)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _groups(
    work: duckdb.DuckDBPyConnection, dimensions: list[Dimension], columns: list[str]
) -> list[dict[str, Any]]:
    chosen = "".join(f"{column} as {name}, " for name, column in zip(dimensions, columns, strict=True))
    counts = ", ".join(f"count(*) filter (standing = '{name}') as {name}" for name in _STANDINGS)
    lates = ", ".join(
        f"count(*) filter (decisive = '{owner}') as late_{owner}" for owner in attribution.OWNERS
    )
    hours = ", ".join(
        f"coalesce(sum({owner}_us) filter ({_DUE}), 0) / 3.6e9 as {owner}_hours"
        for owner in attribution.OWNERS
    )
    order = ", ".join(
        ["day"] * ("day" in dimensions) + ["late_acknowledged + late_unsent desc", "due desc", *dimensions]
    )
    rows = _dicts(
        work,
        f"select {chosen} count(*) filter ({_DUE}) as due, {counts},"
        " count(*) filter (standing = 'not_due' and acked_at is not null) as not_due_acknowledged,"
        f" {lates}, {hours} from records {'group by all' if dimensions else ''} order by {order}",
    )
    titles = _titles()
    for row in rows:
        row["share"] = row["on_time"] / row["due"] if row["due"] else None
        for name in dimensions:
            if name in titles:
                row[f"{name}_title"] = titles[name].get(row[name], row[name] or "（不明）")
    return rows


def _titles() -> dict[str, dict[str, str]]:
    return {
        "system": {source.name: source.title for source in current_site().sources},
        "department": seeds.units(),
        "stage": {kind.record: kind.title for kind in record_types()},
    }


def _listed(work: duckdb.DuckDBPyConnection, as_of: datetime, condition: str) -> list[dict[str, Any]]:
    rows = _dicts(work, f"select {', '.join(_LISTED)} from records where {condition}")
    names = seeds.units()
    for row in rows:
        row["unit_name"] = names.get(row["unit_code"], row["unit_code"])
        row["seconds_left"] = None if row["acked_at"] else (row["due_at"] - as_of).total_seconds()
        for name in ("delay", *attribution.OWNERS):
            row[f"{name}_seconds"] = row.pop(f"{name}_us") / 1e6
    return rows


def _hours_left(work: duckdb.DuckDBPyConnection, as_of: datetime) -> dict[str, int]:
    moment = f"timestamp {engine.literal(as_of)}"
    within = ", ".join(
        f"count(*) filter (due_at <= {moment} + interval {hours} hour) as within_{hours}"
        for hours in (1, 2, 4, 12)
    )
    return _dicts(work, f"select {within} from records where {_IN_FLIGHT}")[0]
