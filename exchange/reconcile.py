"""Reconciliation: sender's declared counts = landed = cut = acknowledged = read back, and where not, which are missing.

A record counts on its business day: the date of its business time in its newest version, or, where it has none, of its
writing at the source. It counts for the source that it came from and the department of its application. A key counts
once, whatever the number of its versions; what the province lost or has on its own is named version by version.
"""

from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from typing import Any

import duckdb
from sqlalchemy import delete, select

from exchange import finals, stops
from wangting import alarms, clock, engine, ledger, locks
from wangting.site import current_site

_LISTED = 1_000  # records named a list; the counts are of all
_CHUNK = 10_000
_LATELY = timedelta(days=7)  # what a night looks at: late rows mostly come within a week
_KEPT = timedelta(days=62)  # two whole months: the one that is reported on, and the one that runs
_ALARM = "unreconciled"
_STOP = ("day", "source", "unit_code", "record")
_STOPS = ("declared", "landed", "cut", "acknowledged", "read_back")


@dataclass
class Reconciliation:
    """How the stops compare; lists name at most 1,000 records each, counts are of all.

    Attributes:
        first_day, last_day: the business days looked at; None: no bound.
        days: a row a business day, source, department and record type: declared (null: this source declares nothing),
            landed, cut, acknowledged, read_back; counts of keys.
        undeclared: rows of `days` before today whose declared count is not the landed one; of counts alone nobody can
            say which records are missing.
        unkeyed: landed rows that have no case number and so cannot go further: day, source, record, rows.
        not_cut: landed and keyed, not in any batch. not_acknowledged: cut, never acknowledged, with the reason.
        lost: acknowledged here, not at the province. unknown: there, not acknowledged here.
        waiting_count: cut and not acknowledged because the case is from before the go-live and waits for a backfill.
        repaired: how many lost ones go again.
    """

    first_day: date | None
    last_day: date | None
    days: list[dict[str, Any]] = field(default_factory=list)
    undeclared: list[dict[str, Any]] = field(default_factory=list)
    unkeyed: list[dict[str, Any]] = field(default_factory=list)
    not_cut: list[dict[str, Any]] = field(default_factory=list)
    not_cut_count: int = 0
    not_acknowledged: list[dict[str, Any]] = field(default_factory=list)
    not_acknowledged_count: int = 0
    waiting_count: int = 0
    lost: list[dict[str, Any]] = field(default_factory=list)
    lost_count: int = 0
    unknown: list[dict[str, Any]] = field(default_factory=list)
    unknown_count: int = 0
    repaired: int = 0

    @property
    def agrees(self) -> bool:
        """Whether nothing is missing; what is held, rejected or in flight is known to be, and missing nowhere."""
        return not (
            self.undeclared or self.unkeyed or self.not_cut_count or self.lost_count or self.unknown_count
        )

    def summary(self) -> dict[str, object]:
        """The same as plain data."""
        return asdict(self) | {"agrees": self.agrees}


def reconcile(
    *, repair: bool = False, first_day: date | None = None, last_day: date | None = None
) -> Reconciliation:
    """Compare all stops, record by record.

    Args:
        repair: what the province has lost goes again with the next push.
        first_day, last_day: business days, both inclusive; None: no bound.

    Raises:
        WangtingError: the province does not answer, nothing was built yet, or a push or build is under way.
    """
    with locks.writer("push"):
        work = engine.connect()
        try:
            stops.read(work, first_day, last_day)
            found = _compare(work, first_day, last_day)
            _keep_declared(found.days)
            _keep_stops(found)
            if repair and found.lost_count:
                found.repaired = _send_again(work)
        finally:
            work.close()
    return found


def reconcile_lately() -> Reconciliation:
    """Compare the last week; what disagrees is an alarm until a later comparison agrees.

    Raises:
        WangtingError: as `reconcile`.
    """
    today = clock.today()
    found = reconcile(first_day=today - _LATELY, last_day=today)
    if found.agrees:
        alarms.clear(_ALARM, "lately")
        return found
    parts = (
        ("申报数与落地数不符", len(found.undeclared)),
        ("无流水号的行", sum(row["rows"] for row in found.unkeyed)),
        ("落地而未切批", found.not_cut_count),
        ("省平台丢失", found.lost_count),
        ("省平台多出", found.unknown_count),
    )
    said = "，".join(f"{name} {count}" for name, count in parts if count)
    alarms.raise_alarm(
        _ALARM,
        "lately",
        f"近 {_LATELY.days} 天对账不一致：{said}",
        f"用 wangting reconcile --from {today - _LATELY} 查看清单；省平台丢失的加 --repair 重新报送",
    )
    return found


def _keep_declared(days: list[dict[str, Any]]) -> None:
    """Note the declared counts beside the landed ones, for the overview of the sources."""
    kept: dict[tuple[str, date], dict[str, Any]] = {}
    for row in days:
        if row["declared"] is None or row["day"] >= clock.today():  # a day is declared when it is over
            continue
        one = kept.setdefault(
            (row["source"], row["day"]),
            {
                "source": row["source"],
                "day": row["day"],
                "declared": 0,
                "landed": 0,
                "differing": 0,
                "compared_at": clock.now(),
            },
        )
        one["declared"] += row["declared"]
        one["landed"] += row["landed"]
        one["differing"] += row["declared"] != row["landed"]
    if kept:
        with ledger.transaction() as connection:
            ledger.upsert(connection, ledger.declared_days, list(kept.values()))


def _keep_stops(found: Reconciliation) -> None:
    """Note how the stops compare, for those who look at it later; since when each row stands so is kept."""
    s, now = ledger.stop_days, clock.now()
    oldest = clock.today() - _KEPT
    first, last = max(found.first_day or oldest, oldest), found.last_day or date.max
    days = [row for row in found.days if first <= row["day"] <= last]
    with ledger.transaction() as connection:
        connection.execute(delete(s).where(s.c.day < oldest))
        looked_at = s.c.day.between(first, last)
        before = {tuple(row[:4]): row for row in connection.execute(select(s).where(looked_at))}
        stand = {(row["day"], row["source"], row["unit_code"], row["record"]): row for row in days}
        for key in before.keys() - stand.keys():
            connection.execute(
                delete(s).where(*(s.c[name] == value for name, value in zip(_STOP, key, strict=True)))
            )
        changed = [
            {name: row[name] for name in (*_STOP, *_STOPS)} | {"stands_since": now}
            for key, row in stand.items()
            if key not in before or tuple(before[key][4:9]) != tuple(row[name] for name in _STOPS)
        ]
        ledger.upsert(connection, s, changed)


def _send_again(work: duckdb.DuckDBPyConnection) -> int:
    sent = 0
    cursor = work.cursor().execute("select record, record_key, version, case_no from lost order by all")
    while rows := cursor.fetchmany(_CHUNK):
        sent += finals.send_again(work, rows)
    return sent


def _dicts(work: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    cursor = work.execute(query)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _compare(work: duckdb.DuckDBPyConnection, first: date | None, last: date | None) -> Reconciliation:
    days = _dicts(work, "select * from days order by day, source, unit_code, record")
    sources = {source.name: source.title for source in current_site().sources}
    for row in days:
        row["source_title"] = sources.get(row["source"], row["source"])
    today = clock.today()
    found = Reconciliation(
        first,
        last,
        days=days,
        undeclared=[
            row
            for row in days
            if row["declared"] is not None and row["declared"] != row["landed"] and row["day"] < today
        ],
        unkeyed=_dicts(work, "select * from unkeyed order by all"),
        waiting_count=_count(work, "not_acknowledged where reason = 'waiting'"),
    )
    for name, columns, condition in (
        ("not_cut", "record, record_key, case_no", ""),
        ("not_acknowledged", "record, record_key, case_no, reason, rules", " where reason <> 'waiting'"),
        ("lost", "record, record_key, version, case_no", ""),
        ("unknown", "record, record_key, version, case_no", ""),
    ):
        query = f"select {columns} from {name}{condition} order by record, record_key limit {_LISTED}"
        setattr(found, name, _dicts(work, query))
        setattr(found, f"{name}_count", _count(work, f"{name}{condition}"))
    return found


def _count(work: duckdb.DuckDBPyConnection, relation: str) -> int:
    return int(work.execute(f"select count(*) from {relation}").fetchall()[0][0])
