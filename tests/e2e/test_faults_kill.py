"""A day on which every step meets a full disk, is killed at several moments, and is simply run again.

Two houses stand before the same sources at the same time: in one nothing happens to any command, in the other
everything does. In the evening they are to be alike.
"""

import hashlib
import random
import shutil
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field

import duckdb
import pytest

from simulator import province
from tests.e2e.city import tables
from tests.e2e.houses import (
    House,
    Moment,
    Said,
    connections,
    files_with,
    is_clear,
    left_behind,
    province_holds,
    secrets,
    small_disk,
)

pytestmark = pytest.mark.e2e
STEPS = ("pull", "build exchange", "build warehouse", "cut", "gate", "push --backfill", "publish")
IN_PEACE = ("pull", "exchange --backfill", "build", "publish")
# Kilobytes that are left on the full disk: enough to begin, too few to end.
ROOM = dict(zip(STEPS, (60, 60, 200, 12, 12, 600, 1000), strict=True))
NO_SMALL_DISK = "只有 root 才能挂载一块小磁盘"


@dataclass
class Day:
    """The two houses in the evening, and what was seen on the way.

    Attributes:
        full: step → what it said on the full disk. killed: step → kills that met it at work.
        half: what somebody could have seen of unfinished work, a sentence each.
        refused: command → what it said of a step before it that was killed.
    """

    undisturbed: House
    house: House
    undisturbed_systems: dict[str, str]
    systems: dict[str, str]
    full: dict[str, Said] = field(default_factory=dict)
    read_while_full: list[Said] = field(default_factory=list)
    killed: dict[str, int] = field(default_factory=dict)
    half: list[str] = field(default_factory=list)
    refused: dict[str, Said] = field(default_factory=dict)


@pytest.fixture(scope="module")
def disk(tmp_path_factory):
    yield from small_disk(tmp_path_factory.mktemp("disk") / "small", 400)


@pytest.fixture(scope="module")
def day(city, disk, tmp_path_factory):
    """After a first day in peace the house is doubled; a day later the second one has its misfortunes."""
    city.do("pull")
    with ThreadPoolExecutor(2) as both:
        list(both.map(lambda command: city.do(*command.split()), ("exchange", "build warehouse")))
    city.do("publish")
    home = (disk.folder if disk else tmp_path_factory.mktemp("second")) / "var"
    shutil.copytree(city.home, home, symlinks=True, ignore=shutil.ignore_patterns("simulator"))
    # The second province has what the first had; its store is on no small disk.
    post = tmp_path_factory.mktemp("post")
    (post / "simulator" / "province").mkdir(parents=True)
    store = "simulator/province/province.sqlite"
    with closing(sqlite3.connect(city.home / store)) as known, closing(sqlite3.connect(post / store)) as new:
        known.backup(new)
    city.do("simulate", "advance", "--hours", "24")
    for place in (home, post):
        shutil.copy(city.home / "clock.json", place / "clock.json")
    try:
        first = connections(city.home)
        systems = first | province.start(post)
        seen = Day(city, House(home, **systems), first, systems)
        with ThreadPoolExecutor(1) as aside:
            peace = aside.submit(lambda: [city.do(*command.split()) for command in IN_PEACE])
            for step in STEPS:
                befall(seen, step, disk)
            peace.result()
        yield seen
    finally:
        province.stop(post)


def moments(house: House, step: str, chance: random.Random) -> list[Callable[[], Moment]]:
    """When a step is killed: by how far it has come, so that a slow machine changes nothing."""
    entered, answered = "select count(*) from outbox", "select count(*) from receipts"
    if step == "pull":
        return [lambda: house.locks_taken("pull-*", chance.randint(1, 17)) for _ in range(3)]
    if step.startswith("build"):
        lane = step.split()[1]
        return [lambda: house.nodes_begun(lane, chance.randint(1, 44)) for _ in range(2)]
    if step == "cut":
        return [lambda: house.locks_taken("exchange"), lambda: house.written("batches/.draft-*/*")]
    if step == "gate":
        return [lambda: house.locks_taken("gate"), lambda: house.written("verdicts/.b*/ex_gdbs_*.parquet")]
    if step == "publish":
        return [lambda: house.locks_taken("warehouse"), lambda: house.written("releases/.2*")]
    sent = house.ledger(answered)[0][0]
    return [
        lambda: house.counted(entered, chance.randint(500, 5500)),
        lambda: house.counted("select count(*) from outbox where state = 'SENT'", 1),
        lambda: house.counted(answered, sent + chance.randint(1000, 5000)),
    ]


def befall(seen: Day, step: str, disk) -> None:
    """A full disk, several deaths, and then the step itself."""
    house, command = seen.house, step.split()
    before = published(house)
    if disk:
        disk.fill(but=ROOM[step])
        seen.full[step] = house.say(*command)
        if step == "publish":
            disk.fill(but=0)
            seen.read_while_full.append(house.say("metric", "online_application_rate"))
        disk.clear()
        look(seen, f"{step} on a full disk", before)
    chance = random.Random(step)
    seen.killed[step] = 0
    longest = 0.0 if step == "publish" else 0.05  # seconds; a release is copied in less
    for moment in moments(house, step, chance):
        seen.killed[step] += house.kill(*command, at=moment(), after=chance.uniform(0, longest))
        look(seen, f"{step} after a kill", before)
    follows = {"build exchange": "cut", "build warehouse": "publish"}.get(step)
    if follows:
        seen.refused[follows] = house.say(follows)
        look(seen, f"{follows} after a killed {step}", before)
    house.do(*command)


def published(house: House) -> tuple[str, str]:
    """The current release and what it holds."""
    file = house.home / "releases" / "current" / "marts.duckdb"
    return file.resolve().parent.name, hashlib.md5(file.read_bytes()).hexdigest()


def look(seen: Day, when: str, release: tuple[str, str]) -> None:
    """Is anything to be seen that is not whole?"""
    house = seen.house
    if published(house) != release and not when.startswith("publish"):
        seen.half.append(f"{when}: another release")
    known = dict(house.ledger("select path, state from loads where path is not null"))
    for file in (house.home / "landing").rglob("*.parquet"):
        name = str(file.relative_to(house.home))
        if file.name.startswith("."):
            continue
        if known.pop(name, None) not in ("committed", "planned"):
            seen.half.append(f"{when}: {name} is no load's")
        duckdb.sql(f"select count(*) from read_parquet('{file}')").fetchall()
    seen.half += [f"{when}: {path} is missing" for path, state in known.items() if state == "committed"]
    for batch, state in house.ledger("select batch_id, state from batches"):
        if not list((house.home / "batches" / batch).glob("*.parquet")):
            seen.half.append(f"{when}: batch {batch} has no files")
        if state != "cut" and not (house.home / "verdicts" / batch / "findings.parquet").is_file():
            seen.half.append(f"{when}: batch {batch} has no verdicts")


@pytest.mark.parametrize("step", STEPS)
def test_a_full_disk_is_one_sentence_that_names_the_place_and_the_mend(day, disk, step):
    if disk is None:
        pytest.skip(NO_SMALL_DISK)
    said = day.full[step]
    if step == "pull":  # says of every table what became of it
        assert said.code == 1
        sentences = {sentence for table in said.data for sentence in table["errors"]}
        assert len(sentences) == 1 and not said.err.strip()
    else:
        sentences = {said.sentence}
    for sentence in sentences:
        assert is_clear(sentence) and "磁盘已满" in sentence and str(day.house.home) in sentence


def test_on_a_full_disk_the_last_release_can_still_be_read(day, disk):
    if disk is None:
        pytest.skip(NO_SMALL_DISK)
    [said] = day.read_while_full
    assert said.code == 0 and said.data["denominator"] > 0


@pytest.mark.parametrize("step", STEPS)
def test_every_step_was_killed_at_work(day, step):
    assert day.killed[step] >= 1


def test_nothing_unfinished_was_ever_to_be_seen(day):
    assert day.half == []


def test_a_lane_that_a_kill_left_half_built_is_neither_cut_nor_published(day):
    assert "重新构建" in day.refused["cut"].sentence
    assert day.refused["publish"].code == 0 and not day.refused["publish"].data["is_new"]


def test_every_load_with_rows_is_the_same(day):
    query = """
        select load_id, source, table_name, commit_seq, window_low, window_high, path, rows, loaded_at, error
        from loads where state = 'committed' order by load_id
    """
    loads = day.house.ledger(query)
    assert len(loads) > 20 and loads == day.undisturbed.ledger(query)
    assert day.house.ledger("select count(*) from loads where state not in ('committed', 'empty')") == [(0,)]


def test_every_table_of_both_lanes_is_the_same(day):
    ours, theirs = tables(day.house.home), tables(day.undisturbed.home)
    assert ours.keys() == theirs.keys() and len(ours) > 30
    assert {name for name in ours if ours[name] != theirs[name]} == set()


def test_every_batch_and_every_record_in_the_outbox_is_the_same(day):
    batches = (
        "select batch_id, state, mode, cut_at, rows, passed, warned, held, unchecked from batches order by 1"
    )
    assert day.house.ledger(batches) == day.undisturbed.ledger(batches)
    outbox = """
        select record, record_key, version, case_no, batch_id, state, outcome, rules, is_backfill, payload_hash,
            context_hash, clock_at, due_at, acked_at, receipt_code
        from outbox order by record, record_key, version
    """
    records = day.house.ledger(outbox)
    assert len(records) > 5000 and {record[5] for record in records} <= {
        "ACK",
        "HELD",
        "BLOCKED",
        "SUPERSEDED",
    }
    assert records == day.undisturbed.ledger(outbox)


def test_the_province_holds_the_same_and_acknowledged_everything_once(day):
    held = province_holds(day.systems)
    assert held == province_holds(day.undisturbed_systems)
    acknowledged = day.house.ledger("select record, record_key, version from receipts where code = 0")
    assert len(acknowledged) == len(set(acknowledged)) and set(acknowledged) == held.keys()


def test_every_published_figure_is_the_same(day):
    ours, theirs = (
        house.home / "releases" / "current" / "marts.duckdb" for house in (day.house, day.undisturbed)
    )
    with duckdb.connect(ours, read_only=True) as con:
        con.execute(f"attach '{theirs}' as theirs (read_only)")
        differences = con.execute(
            "(from metric_values except from theirs.metric_values) union all "
            "(from theirs.metric_values except from metric_values)"
        ).fetchall()
        assert differences == []
        assert con.execute("select count(*) > 1000 from metric_values").fetchone() == (True,)


def test_nothing_is_left_lying_about(day):
    assert left_behind(day.house.home) == []


def test_no_secret_was_said_or_written(day):
    words = secrets(day.systems) | secrets(day.undisturbed_systems)
    assert len(words) >= 5
    said = "".join(each.out + each.err for each in day.house.heard)
    assert not [word for word in words if word in said]
    assert files_with(day.house.home, words) == []
