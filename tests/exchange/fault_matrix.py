"""A city that writes good and bad records round after round, knows what must become of each, and looks after it.

What must be at the province is worked out here from what was written into the lane, never from the outbox.
"""

import random
import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from exchange import batches, final_files, history, settling
from exchange.reading import status
from tests.exchange.killing import Ended, Stages
from tests.exchange.lane import BJ, GO_LIVE, SB, SL, SPCL, Lane, case_no, judge
from tests.exchange.provinces import Running
from wangting import clock, engine, ledger

LQDJ = "EX_GDBS_LQDJ"
Name = tuple[str, str, int]
UNDER_WAY = ("NEW", "RETRY", "SENT")
FINAL = timedelta(
    hours=13
)  # after it everything that was acknowledged is final, where no day more is asked for
EMOJI = "办结😀👍🏽 𠮷"
SPECIALS = "<批准> & \"同意\" ]]> 'x' &amp; \t一\n二\r三"
AT_THE_LIMIT, TOO_LONG = "网" * 1000, "网" * 1001  # of 2000 bytes in GBK


@dataclass
class Version:
    """One version of a record as it was written.

    Attributes:
        fate: what becomes of it when it gets to go: taken or refused (by the province, or by our own dialect, which
            cannot word it), or held by the gate before.
        is_there: it was the newest when all had come to rest, so it must be at the province for good.
    """

    row: dict[str, Any]
    fate: str
    is_there: bool = False


@dataclass
class World:
    """The city, its lane and the province; what a test does to them."""

    lane: Lane
    province: Running
    stages: Stages
    chance: random.Random
    cases: int = 2
    truth: dict[tuple[str, str], list[Version]] = field(default_factory=dict)
    written: dict[tuple[str, str], str] = field(default_factory=dict)
    next_round: list[Callable[[], None]] = field(default_factory=list)
    lost: Counter[Name] = field(default_factory=Counter)
    has_outages: bool = False  # a repair may then fail so often that it gives way to a correction
    rounds: int = 0
    asleep: set[str] = field(default_factory=set)  # cases from before the go-live, which wait for a backfill

    # ---- what is written ------------------------------------------------------------------------------------

    def put(self, record: str, case: str, at: datetime | None, fate: str = "taken", **given: Any) -> str:
        """Write a record, or a correction of it."""
        key = self.lane.put(record, case, at, **given)
        self.written[record, key] = fate
        return key

    def write(self) -> None:
        """A round of new cases, of all kinds of bad input, and of corrections of the round before."""
        corrections, self.next_round = self.next_round, []
        for correct in corrections:
            correct()
        self.at = clock.now().replace(microsecond=0) - timedelta(hours=4)
        if self.rounds == 0:
            self._from_before()
        self._numbers = iter(range(self.rounds * 100 + 1, 10_000))
        for _ in range(self.cases):
            self._plain()
        for kind in (
            self._strange_texts,
            self._refused,
            self._held,
            self._orphans,
            self._closed,
            self._dates,
        ):
            kind()
        self.lane.build()
        self.rounds += 1

    def _case(self, *stages: str, **fields: Any) -> str:
        case = case_no(next(self._numbers), self.at.date())
        for stage in stages:
            self.put(stage, case, self._time(stage), **fields)
        return case

    def _time(self, stage: str) -> datetime:
        return self.at + timedelta(hours=(SB, SL, SPCL, BJ).index(stage))

    def _from_before(self) -> None:
        case = case_no(1, GO_LIVE.date() - timedelta(days=40))
        for record in (SB, BJ):
            self.lane.put(record, case, GO_LIVE - timedelta(days=40))
        self.asleep.add(case)

    def _plain(self) -> None:
        """A case; later a step is told of late that lies in between, and the result goes A → B → A."""
        case, at = self._case(SB, SL, SPCL, BJ), self.at
        end = at + timedelta(hours=3)

        def back() -> None:
            # Written at the source before what it corrects: versions count as they come.
            self.put(BJ, case, end, written_at=end - timedelta(minutes=30))
            self.put(SB, case, at, SQRMC="更名")

        def forth() -> None:
            self.put(BJ, case, end, BZ="更正")
            self.put(SPCL, case, at + timedelta(minutes=90), SPHJDM="1", SPBZH=1)
            self.put(SL, case, at + timedelta(hours=1))  # the same once more
            self.next_round.append(back)

        if self.chance.random() < 0.5:
            self.next_round.append(forth)

    def _strange_texts(self) -> None:
        case = self._case(SB)
        self.put(SL, case, self._time(SL), BZ=EMOJI)
        self.put(SPCL, case, self._time(SPCL), SPYJ=SPECIALS)
        self.put(BJ, case, self._time(BJ), BZ=AT_THE_LIMIT)

    def _refused(self) -> None:
        case, at = self._case(SB), self.at
        self.put(BJ, case, self._time(BJ), "refused", BZ=TOO_LONG)
        self.put(SL, case, self._time(SL), "refused", BZ="控\x01制")
        self.put(SPCL, case, self._time(SPCL), "refused", SPYJ="空\x00值")

        def correct() -> None:
            self.put(BJ, case, at + timedelta(hours=3))
            self.put(SL, case, at + timedelta(hours=1), BZ="改好")
            self.put(SPCL, case, at + timedelta(hours=2), "refused", SPYJ="仍\x0b错")

        self.next_round.append(correct)

    def _held(self) -> None:
        case, at = self._case(SB), self.at
        self.put(SL, case, self._time(SL), "held", BZ="代码")
        self.put(BJ, case, self._time(BJ), BZ="一")

        def correct() -> None:
            self.put(SL, case, at + timedelta(hours=1))
            self.put(BJ, case, at + timedelta(hours=3), "held", BZ="二")
            self.next_round.append(lambda: self.put(BJ, case, at + timedelta(hours=3), BZ="三") and None)

        self.next_round.append(correct)

    def _orphans(self) -> None:
        """One that the gate holds until its application comes, and one that it lets pass."""
        held, passed, at = self._case(), self._case(), self.at
        self.put(SL, held, self._time(SL), "held", has_application=False)
        self.put(SL, passed, self._time(SL))

        def arrive() -> None:
            self.put(SB, held, at)
            self.put(SL, held, at + timedelta(hours=1))
            self.put(SB, passed, at)

        self.next_round.append(arrive)

    def _closed(self) -> None:
        """The application is refused, so its case waits; one record of it is corrected while it waits."""
        case, at = self._case(), self.at
        self.put(SB, case, at, "refused", SQRMC="名" * 201)
        self.put(SL, case, self._time(SL), BZ="等")
        self.put(BJ, case, self._time(BJ))

        def correct() -> None:
            self.put(SL, case, at + timedelta(hours=1), BZ="还等")
            self.next_round.append(lambda: self.put(SB, case, at) and None)

        self.next_round.append(correct)

    def _dates(self) -> None:
        """Not readable at all, from long ago, and from the end of time."""
        case = self._case(SB)
        self.put(SL, case, None, "held", written_at=self.at)
        self.put(BJ, case, datetime(1900, 1, 1), "refused", written_at=self.at)
        self.put(SPCL, case, datetime(9999, 12, 30, 23, 59, 59), written_at=self.at)
        key = self.put(LQDJ, case, datetime(9999, 12, 31, 23, 59, 59), written_at=self.at)
        self.lane.rows[LQDJ][key]["business_time"] = None  # as the model has it from there on

    # ---- what happens ---------------------------------------------------------------------------------------

    def note_versions(self) -> None:
        """After a cut: another content is a new version, and what is there again is judged anew."""
        for name, fate in self.written.items():
            row = dict(self.lane.rows[name[0]][name[1]])
            known = self.truth.setdefault(name, [])
            if known and known[-1].row["payload_hash"] == row["payload_hash"]:
                known[-1].fate = fate
            else:
                known.append(Version(row, fate))
        self.written.clear()

    def judge(self) -> None:
        """The gate, as told."""
        held = {
            f"{record}|{key}": "N1.code"
            for (record, key), made in self.truth.items()
            if made[-1].fate == "held"
        }
        for batch in batches.committed():
            if batch["state"] == "cut":
                judge(batch["batch_id"], held=held)

    def rest(self, runs: int = 40) -> bool:
        """Push every ten minutes until nothing moves, at most so often; whether it came to that."""
        for _ in range(runs):
            found = self.stages.run("push")
            if not found.refused and not any(found.summary["states"].get(state) for state in UNDER_WAY):
                for made in self.truth.values():
                    made[-1].is_there |= made[-1].fate == "taken" and self._is_open(made[-1].row["case_no"])
                return True
            clock.advance(timedelta(minutes=10))
        return False

    def lose(self, number: int) -> None:
        """The province loses some of what it has; only newest versions, for it takes no older one after a newer."""
        able = [
            (record, key, len(made))
            for (record, key), made in sorted(self.truth.items())
            if made[-1].is_there
        ]
        store = self.lane.home / "simulator" / "province" / "province.sqlite"
        with closing(sqlite3.connect(store, timeout=30)) as connection, connection:
            for name in self.chance.sample(able, min(number, len(able))):
                which = "where table_name = ? and identify = ? and version = ?"
                days = "substr(received_at, 1, 10), substr(business_time, 1, 10)"
                query = f"select {days}, dept_code from records {which}"
                found = connection.execute(query, name).fetchone()
                assert found is not None, f"the province does not have {name}"
                received, business, dept = found
                connection.execute(f"delete from records {which}", name)
                for counted_by, day in (("received", received), ("business", business)):
                    connection.execute(
                        "update counts set records = records - 1"
                        " where counted_by = ? and day = ? and dept_code = ? and table_name = ?",
                        (counted_by, day, dept, name[0]),
                    )
                self.lost[name] += 1

    # ---- what must be true ----------------------------------------------------------------------------------

    def _is_open(self, case: str) -> bool:
        return any(version.fate == "taken" for version in self.truth.get((SB, case), []))

    def _fields(self, record: str, version: Version, number: int) -> dict[str, str]:
        fields = {"VERSION": str(number)}
        for each in self.lane.kinds[record].fields:
            value = version.row[each.column]
            if isinstance(value, datetime):
                fields[each.official] = f"{value:%Y-%m-%d %H:%M:%S}"
            elif each.type == "number" and value is not None:
                fields[each.official] = f"{value:.2f}"
            elif value is not None and value != "":
                fields[each.official] = str(value)
        return fields

    def look_at_the_ledger(self) -> None:
        """What must be true at any moment, also right after a kill."""
        o, c = ledger.outbox, ledger.outbox_counts
        counted = ledger.rows(
            select(o.c.record, o.c.state, o.c.is_backfill, func.count().label("n")).group_by(
                o.c.record, o.c.state, o.c.is_backfill
            )
        )
        kept = ledger.rows(
            select(c.c.record, c.c.state, c.c.is_backfill, func.sum(c.c.n).label("n"))
            .where(c.c.n > 0)
            .group_by(c.c.record, c.c.state, c.c.is_backfill)
        )
        assert Counter({tuple(row.values())[:3]: int(row["n"]) for row in counted}) == Counter(
            {tuple(row.values())[:3]: int(row["n"]) for row in kept}
        )
        for batch in batches.committed():
            there = list(batches.folder(batch["batch_id"]).glob("*.parquet"))
            with engine.connect() as work:
                rows = work.execute(f"select count(*) from {batches.reading(there)}").fetchone()
            assert rows == (batch["rows"],)

    def look(self) -> None:
        """What must be true when all has come to rest."""
        self.look_at_the_ledger()
        stored = {(record, key, version): fields for record, key, version, fields in self.province.stored()}
        assert len(stored) == len(self.province.stored())
        counted = self.province.ask("/counts")["data"]
        assert sum(row["count"] for row in counted) == len(stored)
        with engine.connect() as work:
            columns = ["record", "record_key", "version", "case_no", "state"]
            relation = history.relation(work, columns=columns)
            entered = work.execute(f"select {', '.join(columns)} from {relation}").fetchall()
            files = final_files.now_there()
            final_receipts = []
            if files.receipt_paths:
                source = final_files.source_of(files.receipt_paths)
                query = f"select record, record_key, version, code, receipt_id from {source}"
                final_receipts = work.execute(query).fetchall()
        states = {row[:3]: row[4] for row in entered}
        assert len(states) == len(entered)
        self._compare(stored, states)
        self._look_at_receipts(states, final_receipts)
        self._look_at_files(files)
        self._look_at_status(states)

    def _compare(self, stored: dict[Name, dict[str, str]], states: dict[Name, str]) -> None:
        wanted = {}
        for (record, key), made in self.truth.items():
            is_open = record == SB or self._is_open(made[-1].row["case_no"])
            for number, version in enumerate(made, 1):
                name = (record, key, number)
                if name in self.lost and self.has_outages and number < len(made) and name not in stored:
                    # Lost there, and its repair failed so often that a correction took its place.
                    wanted[name] = {"SUPERSEDED"}
                elif version.is_there or (number == len(made) and version.fate == "taken" and is_open):
                    assert stored.get(name) == self._fields(record, version, number), name
                    wanted[name] = {"ACK"}
                elif name in stored:  # it went before a newer one came
                    assert version.fate == "taken" and is_open and number < len(made), name
                    assert stored[name] == self._fields(record, version, number), name
                    wanted[name] = {"ACK"}
                elif number < len(made):
                    wanted[name] = {"SUPERSEDED"} | ({"REJECTED"} if version.fate == "refused" else set())
                elif version.fate == "held":
                    wanted[name] = {"HELD"}
                else:
                    wanted[name] = {"REJECTED" if is_open else "BLOCKED"}
        assert stored.keys() <= wanted.keys() and states.keys() == wanted.keys()
        assert {name: state for name, state in states.items() if state not in wanted[name]} == {}

    def _look_at_receipts(self, states: dict[Name, str], final_receipts: list[Any]) -> None:
        r = ledger.receipts
        columns = [r.c.record, r.c.record_key, r.c.version, r.c.code, r.c.receipt_id]
        found = [tuple(row.values()) for row in ledger.rows(select(*columns))] + final_receipts
        assert len({row[4] for row in found}) == len(found)
        good = Counter(row[:3] for row in found if row[3] == 0)
        # What the province lost and got again was acknowledged once more, and nothing else ever twice.
        times = {name: (state == "ACK") + self.lost[name] for name, state in states.items()}
        assert good == Counter({name: number for name, number in times.items() if number})

    def _look_at_files(self, files: final_files.Files) -> None:
        """Nothing half-written is left, and nothing that nobody names."""
        home = self.lane.home
        assert [path for path in home.rglob(".*") if path.name.startswith((".draft", ".reducing"))] == []
        there = {path.name for path in (home / "batches").iterdir()}
        assert there == {batch["batch_id"] for batch in batches.committed()}
        named = {*files.paths, *files.receipt_paths}
        assert set((home / "finals").rglob("*.parquet")) == named

    def _look_at_status(self, states: dict[Name, str]) -> None:
        data = status()
        shown: Counter[str] = Counter()
        for row in data["outbox"]:
            shown.update({state: row[state] for state in set(states.values()) if row[state]})
        assert shown == Counter(states.values()) == Counter(settling.by_state())
        assert data["batches"]["waiting"] == []
        assert all(row["state"] == "closed" for row in data["receivers"])

    def refused_clearly(self, ended: Ended) -> bool:
        """Whether a stage ended with a sentence for people; it must be one."""
        if ended.refused is not None:
            assert (
                ended.refused.endswith("。")
                and "Traceback" not in ended.refused
                and "\n" not in ended.refused
            )
        return ended.refused is not None
