"""Killed at random points of a pull and run again: what landed is what the sources have, no gap and nothing twice."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

import ingestion
from wangting import clock, ledger

ROOT = Path(__file__).resolve().parents[2]
BUREAU = """
connect: sqlite
url: ${BUREAU_FILE}
tables:
  cases:
    title: 办件
    key: [nr]
    cursor: changed
    lag: 10 minutes
    deletes: {by: keys, every: 1 minute, limit: 1}
    columns: {nr: string, note: string, changed: timestamp}
  kinds:
    title: 类别
    key: [code]
    deletes: {by: snapshot, limit: 1}
    columns: {code: string, name: string}
"""
WEB = """
connect: rest
url: ${WEB}
token: {path: /token, client_id: "${WEB_ID}", client_secret: "${WEB_SECRET}"}
tables:
  accounts:
    title: 账号
    key: [nr]
    cursor: updated_at
    lag: 10 minutes
    path: /accounts
    page_size: 7
    since: updated_after
    columns: {nr: string, updated_at: timestamp}
"""
TOWN = """
connect: files
url: ${DROP}
tables:
  register: {title: 登记, key: [nr], pattern: "*.csv", columns: {nr: string}}
"""
# Pulls everything and ends itself at the call that the argument counts to; without one it says how many there are.
PROGRAM = """
import os, signal, sys
import ingestion.pulling
last, seen = int(sys.argv[1]), 0
def watch(frame, event, _):
    global seen
    name = frame.f_code.co_filename
    if event in ("call", "c_call") and ("/ingestion/" in name or "/wangting/" in name):
        seen += 1
        if seen == last:
            os.kill(os.getpid(), signal.SIGKILL)
sys.setprofile(watch)
results = ingestion.pulling.pull()
sys.setprofile(None)
assert all(result.is_ok for result in results), [result.errors for result in results]
print(seen)
"""


def run(last: int) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, str(last)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ,
    )


class Sources:
    """A database, a service and a folder; each version of each row that was ever there."""

    def __init__(self, city: Any, service: Any, folder: Path) -> None:
        self.city, self.service, self.file, self.drop = city, service, folder / "b.sqlite", folder / "drop"
        self.drop.mkdir()
        for name, text in (("bureau", BUREAU), ("web", WEB), ("town", TOWN)):
            city.declare(name, text)
        for name, value in (
            ("BUREAU_FILE", str(self.file)),
            ("WEB", service.address),
            ("WEB_ID", "wangting"),
            ("WEB_SECRET", service.secret),
            ("DROP", str(self.drop)),
        ):
            city.set(name, value)
        self.run("CREATE TABLE cases (nr TEXT, note TEXT, changed TEXT)")
        self.run("CREATE TABLE kinds (code TEXT, name TEXT)")
        self.versions: set[tuple[Any, ...]] = set()

    def run(self, sql: str, *given: Any) -> list[Any]:
        with sqlite3.connect(self.file) as connection:
            return connection.execute(sql, given).fetchall()

    def change(self, number: int, chance: random.Random) -> None:
        """New rows, changed ones, rows that go; a file; all of them seen before the next change."""
        at = f"{clock.now():%Y-%m-%d %H:%M:%S}"
        for nr in {f"c{chance.randrange(40)}" for _ in range(12)}:
            self.run("DELETE FROM cases WHERE nr = ?", nr)
            if chance.random() < 0.8:
                self.run("INSERT INTO cases VALUES (?, ?, ?)", nr, str(number), at)
        for code in {f"k{chance.randrange(10)}" for _ in range(4)}:
            self.run("DELETE FROM kinds WHERE code = ?", code)
            if chance.random() < 0.8:
                self.run("INSERT INTO kinds VALUES (?, ?)", code, str(number))
        for nr in range(chance.randrange(12)):
            self.service.rows.append({"nr": f"a{number}-{nr}", "updated_at": at.replace(" ", "T")})
        file = self.drop / f"{number}.csv"
        file.write_text("nr\n" + "".join(f"t{number}-{line}\n" for line in range(5)), "utf-8")
        os.utime(file, (1, 1))
        self.versions |= {("cases", *row) for row in self.run("SELECT nr, note, changed FROM cases")}
        self.versions |= {("kinds", *row) for row in self.run("SELECT code, name FROM kinds")}

    def landed(self) -> list[tuple[Any, ...]]:
        """Every landed version, as often as it landed."""
        return [
            ("cases", row["nr"], row["note"], str(row["changed"]))
            for row in self.city.landed("bureau", "cases")
            if not row["_is_deleted"]
        ] + [
            ("kinds", row["code"], row["name"])
            for row in self.city.landed("bureau", "kinds")
            if not row["_is_deleted"]
        ]

    def check(self) -> None:
        standing = self.city.standing("bureau", "cases", "nr")
        assert {nr: row["note"] for nr, row in standing.items()} == dict(
            self.run("SELECT nr, note FROM cases")
        )
        kinds = self.city.standing("bureau", "kinds", "code")
        assert {code: row["name"] for code, row in kinds.items()} == dict(
            self.run("SELECT code, name FROM kinds")
        )
        landed = self.landed()
        assert len(landed) == len(set(landed)) and set(landed) == self.versions
        accounts = [row["nr"] for row in self.city.landed("web", "accounts")]
        assert sorted(accounts) == sorted(row["nr"] for row in self.service.rows)
        lines = [row["nr"] for row in self.city.landed("town", "register")]
        assert sorted(lines) == sorted(
            line for file in self.drop.iterdir() for line in file.read_text("utf-8").splitlines()[1:]
        )
        assert not [row for row in self.city.loads() if row["state"] in ("planned", "failed")]
        files = {row["path"] for row in self.city.loads(state="committed")}
        assert {str(file.relative_to(self.city.home)) for file in self.city.visible()} == files


@pytest.mark.parametrize("points", [5, pytest.param(20, marks=pytest.mark.large)])
def test_killed_at_random_points_a_pull_neither_loses_nor_doubles(
    city: Any, service: Any, tmp_path: Path, points: int
) -> None:
    chance = random.Random(points)
    sources = Sources(city, service, tmp_path)
    city.at("2017-12-01 08:00")
    sources.change(0, chance)
    first = run(0)
    assert first.returncode == 0, first.stderr
    sources.check()
    calls, killed = int(first.stdout), 0
    for number in range(1, points + 1):
        clock.set_simulated(datetime(2017, 12, 1, 8 + number // 4, number % 4 * 15))
        sources.change(number, chance)
        done = run(chance.randrange(1, calls))
        killed += done.returncode == -signal.SIGKILL
        clock.set_simulated(datetime(2017, 12, 1, 8 + number // 4, number % 4 * 15 + 5))
        again = ingestion.pull()
        assert all(result.is_ok for result in again), [result.errors for result in again]
        sources.check()
    assert killed >= points * 3 // 4  # a later pull may be shorter than the first
    assert ledger.last_commit_seq() > points
