"""Closed days and months become one file each; what is read never changes, whoever reads and whenever it is killed."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

import ingestion
from ingestion import compaction
from wangting import clock, landed, ledger
from wangting.ledger import landing_files

ROOT = Path(__file__).resolve().parents[2]
SOURCE = """
connect: sqlite
url: ${BUREAU_FILE}
tables:
  cases:
    title: 办件
    key: [nr]
    cursor: changed
    lag: 10 minutes
    deletes: {by: keys, every: 1 day, limit: 1}
    columns: {nr: string, changed: timestamp}
  kinds:
    title: 类别
    key: [code]
    columns: {code: string, name: string}
"""
# Compacts and kills itself where the argument says.
KILLED = """
import os, signal, sys
from pathlib import Path
from ingestion import compaction, landing
from wangting import disk

def die(*given, **named):
    os.kill(os.getpid(), signal.SIGKILL)

def then_die(what):
    return lambda *given, **named: (what(*given, **named), die())

where = sys.argv[1]
if where == "named":
    compaction.landing.write = die
elif where == "written":
    landing.sync = die
elif where == "renamed":
    compaction.landing.write = then_die(landing.write)
elif where == "switching":
    compaction.retire = die
elif where == "switched":
    compaction.switch = lambda *given, _switch=compaction.switch: _switch(*given)
    merge = compaction._merge
    compaction._merge = lambda *given: (merge(*given), die())
elif where == "deleting":
    Path.unlink = then_die(Path.unlink)
    compaction.clear_unfinished = lambda: None
compaction.compact()
"""


class Bureau:
    """A department's system in a file, connected and pulled every few hours."""

    def __init__(self, city: Any, file: Path) -> None:
        self.city, self.file = city, file
        city.declare("bureau", SOURCE)
        city.set("BUREAU_FILE", str(file))
        self.run("CREATE TABLE cases (nr TEXT, changed TEXT)")
        self.run("CREATE TABLE kinds (code TEXT, name TEXT)")
        self.number = 0

    def run(self, sql: str, *given: Any) -> None:
        with sqlite3.connect(self.file) as connection:
            connection.execute(sql, given)

    def live(self, days: int, pulls: int = 3) -> None:
        """Days with some pulls each; now and then a row goes, a code gets another name."""
        for _ in range(days):
            for _ in range(pulls):
                clock.advance(timedelta(hours=24 / pulls))
                for _ in range(3):
                    self.number += 1
                    self.run("INSERT INTO cases VALUES (?, ?)", f"c{self.number}", str(clock.now())[:19])
                if self.number % 4 == 0:
                    self.run("DELETE FROM cases WHERE nr = ?", f"c{self.number - 1}")
                self.run("INSERT INTO kinds VALUES (?, 'a')", str(self.number))
                self.run("UPDATE kinds SET name = ? WHERE code = '3'", "ab"[self.number % 2])
                for table in ("cases", "kinds"):
                    ingestion.pull_table("bureau", table)

    def rows(self) -> list[dict[str, Any]]:
        return [row for table in ("cases", "kinds") for row in self.city.landed("bureau", table)]

    def files(self, table: str) -> list[str]:
        return [path.name for path in landed.paths("bureau", table)]


@pytest.fixture
def bureau(city: Any, tmp_path: Path) -> Bureau:
    city.at("2017-11-27 00:00")
    return Bureau(city, tmp_path / "bureau.sqlite")


def test_closed_days_become_a_file_each_and_closed_months_one(bureau: Bureau) -> None:
    bureau.live(6)
    before = bureau.rows()
    today = f"{clock.now():%Y-%m-%d}"
    done = compaction.compact()
    assert {(one.table, one.span) for one in done.merged} == {
        (table, span)
        for table in ("cases", "kinds")
        for span in ("2017-11", "2017-12-01", "2017-12-02")
        if span < today
    }
    assert not done.errors and bureau.rows() == before
    own = [name for name in bureau.files("cases") if name.startswith("bureau-cases-")]
    assert all(today.replace("-", "") in name for name in own)
    assert compaction.compact().merged == []
    clock.advance(timedelta(days=35))
    bureau.live(1)
    before = bureau.rows()
    assert {one.span for one in compaction.compact().merged} == {"2017-12", "2018-01-07"}
    assert bureau.rows() == before


def test_a_pull_after_it_brings_nothing_twice(bureau: Bureau) -> None:
    bureau.live(2)
    compaction.compact()
    before = len(bureau.rows())
    for table in ("cases", "kinds"):
        assert ingestion.pull_table("bureau", table, full=True).rows == 0
    assert len(bureau.rows()) == before
    standing = bureau.city.standing("bureau", "kinds", "code")
    bureau.run("UPDATE kinds SET name = 'c' WHERE code = '3'")
    assert ingestion.pull_table("bureau", "kinds").rows == 1
    assert bureau.city.standing("bureau", "kinds", "code").keys() == standing.keys()


def test_files_that_were_replaced_go_after_the_grace_time(bureau: Bureau) -> None:
    bureau.live(2)
    replaced = {path for table in ("cases", "kinds") for path in landed.paths("bureau", table)}
    done = compaction.compact()
    replaced -= {path for table in ("cases", "kinds") for path in landed.paths("bureau", table)}
    assert done.waiting == len(replaced) > 2 and all(file.is_file() for file in replaced)
    clock.advance(compaction.GRACE - timedelta(minutes=1))
    compaction.compact()
    assert all(file.is_file() for file in replaced)
    clock.advance(timedelta(minutes=2))
    assert compaction.compact().deleted >= len(replaced)
    assert not [file for file in replaced if file.exists()]
    assert len(bureau.rows()) == sum(row["rows"] for row in bureau.city.loads(state="committed"))


def test_a_part_of_a_merged_file_can_be_read(bureau: Bureau) -> None:
    bureau.live(2)
    compaction.compact()
    loads = ledger.committed_loads("bureau", "cases")
    for above in (0, 1, len(loads) // 2, len(loads) - 1):
        seq = loads[above - 1]["commit_seq"] if above else 0
        rows = landed.landed("bureau", "cases", above=seq)
        found = duckdb.connect().execute(f"SELECT count(*) FROM {landed.relation(rows)}").fetchone()
        assert found == (sum(load["rows"] for load in loads[above:]),)


def test_a_file_that_was_tampered_with_is_not_merged(bureau: Bureau) -> None:
    bureau.live(2)
    first = landed.paths("bureau", "cases")[0]
    content = first.read_bytes()
    duckdb.connect().execute(f"COPY (FROM read_parquet('{first}') LIMIT 1) TO '{first}' (FORMAT parquet)")
    done = compaction.compact()
    assert len(done.errors) == 1 and "台账上是" in done.errors[0]
    first.write_bytes(content)
    assert not compaction.compact().errors


@pytest.mark.parametrize("where", ["named", "written", "renamed", "switching", "switched"])
def test_killed_at_any_moment_it_leaves_all_that_there_was(bureau: Bureau, where: str) -> None:
    bureau.live(2)
    before = bureau.rows()
    done = subprocess.run(
        [sys.executable, "-c", KILLED, where], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert bureau.rows() == before
    compaction.compact()
    assert bureau.rows() == before
    assert ledger.rows(landing_files.select().where(landing_files.c.state == "planned")) == []
    _every_file_is_known(bureau)


def test_killed_while_it_deletes_it_goes_on(bureau: Bureau) -> None:
    bureau.live(2)
    before = bureau.rows()
    compaction.compact()
    clock.advance(compaction.GRACE)
    done = subprocess.run(
        [sys.executable, "-c", KILLED, "deleting"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert compaction.compact().deleted > 0
    assert bureau.rows() == before
    clock.advance(compaction.GRACE)
    compaction.compact()
    _every_file_is_known(bureau)


def _every_file_is_known(bureau: Bureau) -> None:
    known = {row["path"] for row in ledger.rows(landing_files.select())}
    known |= {row["path"] for row in bureau.city.loads() if row["path"]}
    assert {str(file.relative_to(bureau.city.home)) for file in bureau.city.visible()} <= known


@pytest.mark.parametrize("times", [4, pytest.param(25, marks=pytest.mark.large)])
def test_killed_at_random_moments_beside_readers_and_pulls(bureau: Bureau, times: int) -> None:
    bureau.live(2, pulls=8)
    chance = random.Random(11)
    for _ in range(times):
        before = bureau.rows()
        process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                "import sys; from ingestion import compaction; sys.stderr.write('ready\\n'); compaction.compact()",
            ],
            cwd=ROOT,
            text=True,
            stderr=subprocess.PIPE,
            env=os.environ,
        )
        assert process.stderr is not None and process.stderr.readline() == "ready\n"
        until = time.monotonic() + chance.uniform(0.05, 1.2)
        while time.monotonic() < until:
            assert bureau.rows() == before
        process.kill()
        process.communicate()
        assert bureau.rows() == before
        bureau.live(1, pulls=2)
    before = bureau.rows()
    compaction.compact()
    assert bureau.rows() == before
    assert len(before) == len({(row["_load_id"], row.get("nr") or row.get("code")) for row in before})
