"""The fault matrix: every way in which the province misbehaves, times kill -9 at random points of every stage.

Every run ends with: the province has what can be sent, each exactly once; every version is in one state; the sums
agree. `pytest -m large` kills at 20 points a stage. The seed is the environment's FAULT_SEED, or drawn; it is printed.
"""

import os
import random
import sqlite3
import sys
import time
from collections import Counter
from contextlib import closing
from datetime import timedelta

import duckdb
import pytest

from tests.exchange.fault_matrix import FINAL, World
from tests.exchange.killing import Ended, Stages
from tests.exchange.lane import Lane
from tests.exchange.provinces import running, site_with
from wangting import clock

STAGES = ("cut", "enqueue", "push", "archive", "repair")
DAY = timedelta(days=1)
MANNERS = {
    "good": {},
    "time-out": {"timeout": 0.08},
    "200 with garbage": {"garbage": 0.3},
    "500": {"error": 0.3},
    "stored then 500": {"stored_error": 0.3},
    "half a receipt": {"half": 0.3},
    "a receipt for another record": {"other": 0.3},
    "slowly": {"slow": 0.4, "drip": 0.3, "slow_seconds": 0.03},
    "twice": {"duplicate_receipt": 1.0, "receipt3": 0.2},
    "reset in the middle": {"reset": 0.3},
    "down for a day": {"down": 1.0},
}
SEED = int(os.environ.get("FAULT_SEED") or random.SystemRandom().randrange(1 << 30))


@pytest.fixture(scope="module")
def stages():
    with Stages() as running_ones:
        yield running_ones
        sys.stderr.write(f"\nfault matrix: seed {SEED}, {running_ones.seconds:.0f} s CPU in stages\n")


@pytest.fixture(scope="module")
def known():
    """How the stages ended last when nothing happened to them."""
    return {}


@pytest.fixture
def world(home, ledger_kind, monkeypatch, tmp_path, stages, request):
    monkeypatch.setenv("WANGTING_FINAL_DAYS", "0")
    # One second is the shortest time-out that a site can say.
    site_with(monkeypatch, tmp_path, timeout="1 second")
    with running(home, monkeypatch) as province:
        yield World(Lane(home), province, stages, random.Random(f"{SEED} {request.node.name}"))


class Killer:
    """Kills stages, each at another share of what it has to do.

    Attributes:
        hits: stage → kills that met it at work.
    """

    def __init__(self, world: World, points: int, known: dict[str, Ended]) -> None:
        """`known`: how the stages ended in a round in which nothing happened; kept up to date."""
        self._points = points
        self._world, self._chance = world, world.chance
        self._known = known
        self.hits: Counter[str] = Counter()

    def run(self, stage: str) -> Ended:
        """Kill the stage once or twice, look at what that left, and run it again to its end."""
        world = self._world
        for _ in range(min(2, self._points - self.hits[stage]) if stage in self._known else 0):
            line, pause = self._point(self._known[stage])
            ended = world.stages.run(stage, line=line, pause=pause)
            self.hits[stage] += ended.killed
            world.look_at_the_ledger()
            if not ended.killed:
                return ended
        ended = world.stages.run(stage)
        # What is left after a kill is less than the whole.
        if stage not in self._known or ended.lines > 0.7 * self._known[stage].lines:
            self._known[stage] = ended
        world.refused_clearly(ended)
        return ended

    def _point(self, known: Ended) -> tuple[int, float]:
        # Most lines are run over and over; every second kill looks for one that is rarely reached.
        often = self._chance.random() < 0.5
        line = self._chance.randint(1, known.lines) if often else self._chance.choice(known.firsts)
        return line, self._chance.choice((0.0, 0.0, 0.002, 0.01))


def live(world: World, killer: Killer, manners: dict[str, float]) -> None:
    """A round: written, cut, judged, entered, pushed to a province with these manners, moved, lost and repaired."""
    world.write()
    killer.run("cut")
    world.note_versions()
    world.judge()
    killer.run("enqueue")
    world.province.behave(**manners, seed=world.chance.randrange(1 << 30))
    killer.run("push")
    if manners.get("down"):
        world.has_outages = True
        ended = world.stages.run("push")
        assert ended.refused or ended.summary["acknowledged"] == 0
        clock.advance(DAY)
        assert not world.rest(1)
        world.province.behave()
    elif world.chance.random() < 0.3 and world.rounds > 1:
        return  # the next round comes while this one is still under way
    assert world.rest()
    clock.advance(FINAL)
    killer.run("archive")
    world.lose(2)
    killer.run("repair")
    if not manners.get("down"):
        assert world.rest()


def matrix(world: World, manners: dict[str, float], points: int, known: dict[str, Ended]) -> None:
    """Rounds until every stage was killed so often, and then the end of all faults."""
    killer = Killer(world, points, known)
    if not known:
        live(world, killer, {})
    for _ in range(points * 3 + 3):
        if all(killer.hits[stage] >= points for stage in STAGES):
            break
        live(world, killer, manners)
    world.province.behave()
    assert world.rest()
    clock.advance(FINAL)
    for _ in range(2):  # what the first has merged into other files, the second removes
        world.stages.run("archive")
    found = world.stages.run("compare").summary
    assert found["agrees"] and found["lost_count"] == found["unknown_count"] == 0
    world.look()
    sys.stderr.write(f"\n{dict(killer.hits)}, {world.rounds} rounds, {len(world.truth)} records ")
    assert all(killer.hits[stage] >= points for stage in STAGES), killer.hits


@pytest.mark.parametrize("manners", MANNERS.values(), ids=MANNERS.keys())
def test_whatever_the_province_does_and_whatever_is_killed_nothing_is_lost_and_nothing_counts_twice(
    world, known, manners
):
    matrix(world, manners, 3, known)


@pytest.mark.large
@pytest.mark.parametrize("manners", MANNERS.values(), ids=MANNERS.keys())
def test_killed_at_twenty_points_a_stage_nothing_is_lost_or_counts_twice(world, known, manners):
    matrix(world, manners, 20, known)


@pytest.mark.parametrize("ledger_kind", ["postgresql"], indirect=True)
@pytest.mark.parametrize("manners", [{"stored_error": 0.2, "reset": 0.2}], ids=["stored then 500, and reset"])
def test_the_same_holds_with_the_ledger_on_postgresql(world, known, manners):
    matrix(world, manners, 3, known)


# ---- the ledger locked, the disk full -----------------------------------------------------------------------


@pytest.fixture
def ready(world, request):
    """A world in which the stage of the test is next, with the sentence that a stage may end with."""
    stage = request.param
    world.write()
    for before in STAGES[: STAGES.index(stage)]:
        if before == "enqueue":
            world.judge()
        world.stages.run(before)
        if before == "cut":
            world.note_versions()
        if before == "push":
            assert world.rest()
            clock.advance(FINAL)
    if stage == "enqueue":
        world.judge()
    return stage


def to_the_end(world: World) -> None:
    """Everything once more, and then what must be true."""
    world.stages.run("cut")
    if world.written:
        world.note_versions()
    world.judge()
    world.stages.run("enqueue")
    assert world.rest()
    clock.advance(FINAL)
    world.stages.run("archive")
    assert world.stages.run("compare").summary["agrees"]
    world.look()


@pytest.mark.parametrize("ready", ["cut", "enqueue", "push", "archive"], indirect=True)
def test_a_ledger_that_another_process_holds_is_waited_for_or_told_in_one_sentence(world, ready):
    with closing(sqlite3.connect(world.lane.home / "ledger.sqlite", isolation_level=None)) as other:
        other.execute("begin immediate")
        ended = world.stages.run(ready, patience=1)
        assert world.refused_clearly(ended) and "台账正被另一个进程占用" in ended.refused
        # Let go while the stage waits: it goes on as if nothing had been.
        world.stages.begin(ready)
        time.sleep(1)
        other.execute("rollback")
        assert world.stages.end().refused is None
    to_the_end(world)


@pytest.mark.parametrize("ready", ["cut", "enqueue", "push", "archive"], indirect=True)
def test_a_full_disk_is_told_in_one_sentence_and_loses_nothing(world, ready):
    """No file may grow beyond a size, as where the disk ends: first hardly at all, then more and more of the ledger."""
    log = world.lane.home / "ledger.sqlite-wal"
    told = 0
    for room in (-1, 0, 4_000, 20_000, 60_000):
        size = 2_000 if room < 0 else room + (log.stat().st_size if log.exists() else 2_000)
        ended = world.stages.run(ready, room=size)
        told += world.refused_clearly(ended)
        assert not ended.refused or "磁盘" in ended.refused, ended.refused
        world.look_at_the_ledger()
    assert told
    to_the_end(world)


def test_two_rows_of_one_record_in_a_lane_are_told_and_cut_when_they_are_one_again(world):
    world.write()
    with duckdb.connect(world.lane.home / "lanes" / "exchange" / "exchange.duckdb") as lane:
        lane.execute("insert into ex_gdbs_bj select * from ex_gdbs_bj limit 1")
    ended = world.stages.run("cut")
    assert world.refused_clearly(ended) and "同一记录出现了多行" in ended.refused
    world.lane.build()
    to_the_end(world)
