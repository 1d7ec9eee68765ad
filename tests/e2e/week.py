"""A week in the life of a city: runs every ten minutes in office hours, systems that go down and come back.

The week is lived by the stage functions in one process against the simulated city's real servers; two of them stand
behind a door of ours that can be shut, so that a system is really not there. What ought to have happened is worked
out tick by tick from the simulator's truth files alone.
"""

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import duckdb

from tests.e2e.city import STANDS_FOR

GO_LIVE = datetime(2017, 11, 30, 8)
LIMIT = timedelta(hours=12)
Span = tuple[datetime, datetime]


class Door:
    """A way through to a server that can be shut: then nobody listens there, and who was inside is put out."""

    def __init__(self, url: str) -> None:
        target = urlsplit(url)
        assert target.hostname and target.port
        self._target = (target.hostname, target.port)
        self._loop = asyncio.new_event_loop()
        self._server: asyncio.Server | None = None
        self._inside: set[asyncio.StreamWriter] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.port = 0
        self.open()
        user = f"{target.username}:{target.password}@" if target.username else ""
        self.url = f"{target.scheme}://{user}127.0.0.1:{self.port}{target.path}"

    @property
    def is_open(self) -> bool:
        return self._server is not None

    def open(self) -> None:
        """Let everybody through."""
        if not self.is_open:
            self._do(self._open())

    def shut(self) -> None:
        """Let nobody through any more."""
        if self.is_open:
            self._do(self._shut())

    def close(self) -> None:
        """Shut for good."""
        self.shut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, what: Any) -> None:
        asyncio.run_coroutine_threadsafe(what, self._loop).result(timeout=30)

    async def _open(self) -> None:
        self._server = await asyncio.start_server(self._pass, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _shut(self) -> None:
        assert self._server is not None
        self._server.close()
        self._server = None
        for writer in self._inside:
            writer.transport.abort()
        await asyncio.sleep(0)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(*self._target)
        self._inside |= {writer, back}
        with suppress(OSError):
            await asyncio.gather(_carry(reader, back), _carry(there, writer))
        for each in (writer, back):
            self._inside.discard(each)
            each.close()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    with suppress(OSError, RuntimeError):
        writer.write_eof()


@dataclass(frozen=True)
class Calendar:
    """When the house runs, and when something is down.

    Attributes:
        every, at_night: minutes between runs in office hours (working days, 8:00–18:00) and outside them.
        province_down, bureau_down: spans in which the province, and the housing bureau's system, are not there.
    """

    begins: datetime
    ends: datetime
    every: int
    at_night: int
    province_down: Span
    bureau_down: Span
    days_off: frozenset[int] = frozenset({5, 6})

    def ticks(self) -> Iterator[datetime]:
        """The moments at which the house runs."""
        at = self.begins
        while at <= self.ends:
            yield at
            in_office = at.weekday() not in self.days_off and 8 <= at.hour < 18
            at += timedelta(minutes=self.every if in_office else self.at_night)


@dataclass
class Entry:
    """What truth expects of one record version that counts.

    Attributes:
        clock_at: when its clock began. ready_at: the run from which on it may go; until then it is its source's.
        acked_at: the run in which it is acknowledged.
    """

    clock_at: datetime | None
    ready_at: datetime | None = None
    acked_at: datetime | None = None

    def standing(self, as_of: datetime) -> str:
        """How it stands: on_time, late_acknowledged, late_unsent, not_due, without_clock."""
        if self.clock_at is None:
            return "without_clock"
        due = self.clock_at + LIMIT
        if due > as_of:
            return "not_due"
        if self.acked_at is None:
            return "late_unsent"
        return "on_time" if self.acked_at <= due else "late_acknowledged"

    def owner(self, as_of: datetime) -> str | None:
        """Whose part of a late record's delay is the longest; nothing in these runs is ours."""
        if self.clock_at is None or not self.standing(as_of).startswith("late"):
            return None
        end = self.acked_at or as_of
        ready = min(self.ready_at or end, end)
        return "source" if ready - self.clock_at >= end - ready else "province"


@dataclass
class Key:
    """A record as truth has seen it so far."""

    source: str
    record: str
    version: int
    entries: list[Entry] = field(default_factory=list)


class Expected:
    """What ought to have happened, tick by tick, from the simulator's own state."""

    def __init__(self, truth: Path) -> None:
        self._truth = truth
        self.keys: dict[tuple[str, str], Key] = {}
        self._sendable: dict[str, set[tuple[str, str]]] = {}

    def tick(self, at: datetime, reached: set[str], *, is_province_up: bool) -> None:
        """One run of the house at `at`, in which these sources could be read."""
        with duckdb.connect() as con:
            con.execute(
                f"create view records as select * from read_parquet('{self._truth / 'records.parquet'}')"
            )
            newest = con.execute(
                "select record, record_key, source, source_version, business_time, emitted_at from records"
                f" where is_latest and {STANDS_FOR} >= ?",
                [GO_LIVE],
            ).fetchall()
            # As in the whole-way tests: what may pass, of a case whose application may pass.
            sendable = con.execute("""
                select record, record_key, source from records
                where is_latest and expected_outcome <> 'held' and case_no in (
                    select case_no from records
                    where is_latest and record = 'EX_GDBS_SB' and expected_outcome <> 'held')
            """).fetchall()
        for source in reached:
            self._sendable[source] = {(record, key) for record, key, its in sendable if its == source}
        for record, key, source, version, business_time, emitted_at in newest:
            if source in reached:
                self._see(record, key, source, version, business_time, emitted_at)
        may_go = set().union(*self._sendable.values())
        for name, known in self.keys.items():
            entry = known.entries[-1]
            if name in may_go and entry.acked_at is None:
                entry.ready_at = entry.ready_at or at
                if is_province_up:
                    entry.acked_at = at

    def _see(
        self,
        record: str,
        key: str,
        source: str,
        version: int,
        business_time: datetime | None,
        emitted_at: datetime,
    ) -> None:
        known = self.keys.get((record, key))
        if known is None:
            known = self.keys[record, key] = Key(source, record, version)
            is_date = business_time is not None and business_time == business_time.replace(
                hour=0, minute=0, second=0
            )
            known.entries.append(Entry(emitted_at if is_date else business_time))
        elif version > known.version:
            known.version = version
            first = known.entries[-1]
            if first.acked_at is not None:  # a correction of what the province has: a clock of its own
                known.entries.append(Entry(emitted_at))
            elif first.clock_at is not None and first.clock_at > emitted_at:
                first.clock_at = business_time  # what lay ahead even of its correction was a slip

    def standings(self, as_of: datetime) -> dict[tuple[str, str], list[str]]:
        """Record → how each of its counted versions stands."""
        return {name: [entry.standing(as_of) for entry in known.entries] for name, known in self.keys.items()}

    def by_system(self, as_of: datetime) -> dict[str, Counter[str]]:
        """System → how many stand how, and how many of the late ones are whose."""
        found: dict[str, Counter[str]] = {}
        for known in self.keys.values():
            counts = found.setdefault(known.source, Counter())
            for entry in known.entries:
                counts[entry.standing(as_of)] += 1
                if owner := entry.owner(as_of):
                    counts[f"late_{owner}"] += 1
        return found


def live(
    calendar: Calendar, doors: dict[str, Door], expected: Expected, stages: Callable[[], set[str]]
) -> datetime:
    """Live through the calendar.

    Args:
        doors: "province" and "housing_bureau".
        stages: pulls and runs the exchange once; returns the sources that could be read.

    Returns:
        The moment after the last run.
    """
    from simulator.commands import advance_by
    from wangting import clock

    for at in calendar.ticks():
        if at > clock.now():
            advance_by((at - clock.now()).total_seconds() / 3600)
        for name, (down, up) in (
            ("province", calendar.province_down),
            ("housing_bureau", calendar.bureau_down),
        ):
            if down <= at < up:
                doors[name].shut()
            else:
                doors[name].open()
        reached = stages()
        expected.tick(at, reached, is_province_up=doors["province"].is_open)
    return clock.now()


@contextmanager
def doors(connections: dict[str, str]) -> Iterator[dict[str, Door]]:
    """Doors before the province and the housing bureau."""
    made = {
        "province": Door(connections["PROVINCE_URL"]),
        "housing_bureau": Door(connections["HOUSING_BUREAU_URL"]),
    }
    try:
        yield made
    finally:
        for door in made.values():
            door.close()
