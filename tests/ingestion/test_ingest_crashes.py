"""Killed at any moment, or with a full disk: nothing half is visible, and the next pull completes the same load."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import openpyxl
import pytest

import ingestion
from wangting import ledger

ROOT = Path(__file__).resolve().parents[2]
DATABASE = """
connect: postgres
url: ${BUREAU_URL}
tables:
  cases:
    title: 办件
    key: [nr]
    cursor: changed
    columns: {nr: string, note: string, changed: timestamp}
"""
FOLDER = """
connect: files
url: ${DROP}
tables:
  register: {title: 登记, key: [nr], pattern: "*.xlsx", columns: {nr: string}}
"""
# Pulls one table and kills itself where the first argument says.
KILLED = """
import os, signal, sys
import ingestion
from ingestion import landing, windows
from wangting import ledger

def die(*given, **named):
    os.kill(os.getpid(), signal.SIGKILL)

def then_die(what):
    return lambda *given, **named: (what(*given, **named), die())

where, source, table = sys.argv[1:]
if where == "planned":
    windows.plan = then_die(windows.plan)
elif where == "asked":
    landing.land = die
elif where == "written":
    landing.sync = die
elif where == "renamed":
    landing.write = then_die(landing.write)
elif where == "committing":
    ledger.next_commit_seq = die
elif where == "committed":
    windows.finish = then_die(windows.finish)
ingestion.pull_table(source, table)
"""


def run(program: str, *arguments: str, **options: Any) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments], cwd=ROOT, text=True, stderr=subprocess.PIPE, **options
    )


def kill_at(where: str, source: str, table: str) -> None:
    process = run(KILLED, where, source, table)
    _, said = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL, said


@pytest.fixture
def bureau(city: Any, postgres: Any) -> str:
    city.declare("bureau", DATABASE)
    url = postgres.create(
        "CREATE TABLE cases (nr text, note text, changed timestamp); CREATE INDEX ON cases (changed);"
        "INSERT INTO cases SELECT 'c' || i, md5(i::text), timestamp '2017-11-30 08:00' FROM generate_series(1, 1000) i"
    )
    city.set("BUREAU_URL", url)
    return str(url)


@pytest.mark.parametrize("where", ["planned", "asked", "written", "renamed", "committing", "committed"])
def test_a_killed_pull_is_finished_by_the_next_under_the_same_name(
    city: Any, postgres: Any, bureau: str, where: str
) -> None:
    kill_at(where, "bureau", "cases")
    [left] = city.loads()
    assert left["state"] == ("committed" if where == "committed" else "planned")
    is_visible = where in ("renamed", "committing", "committed")
    assert [file.name for file in city.visible() if file.suffix == ".parquet"] == (
        [f"{left['load_id']}.parquet"] if is_visible else []
    )
    written = {file: file.read_bytes() for file in city.visible() if file.suffix == ".parquet"}
    postgres.run(bureau, "INSERT INTO cases VALUES ('new', '', '2017-12-01 08:30')")
    city.at("2017-12-01 09:00")
    result = ingestion.pull_table("bureau", "cases")
    rows = city.landed("bureau", "cases")
    assert len(rows) == 1001 == len({row["nr"] for row in rows})
    assert sum(row["_load_id"] == left["load_id"] for row in rows) == 1000
    if where != "committed":
        assert result.resumed == left["load_id"] and result.rows == 1001
        assert city.loads(load_id=left["load_id"])[0]["window_high"] == left["window_high"]
    assert all(file.read_bytes() == content for file, content in written.items())
    assert {file.suffix for file in city.visible()} == {".parquet"}
    loaded = {row["load_id"]: row["loaded_at"] for row in city.loads(state="committed")}
    assert all(row["_loaded_at"] == loaded[row["_load_id"]] for row in rows)
    assert sorted(row["commit_seq"] for row in city.loads(state="committed")) == [1, 2]


@pytest.mark.parametrize("where", ["asked", "written", "renamed", "committing"])
def test_a_killed_pull_of_files_takes_each_once(city: Any, tmp_path: Path, where: str) -> None:
    city.declare("town", FOLDER)
    city.set("DROP", str(tmp_path / "drop"))
    (tmp_path / "drop").mkdir()
    for number in (1, 2):
        book = openpyxl.Workbook()
        book.active.append(["nr"])
        book.active.append([f"n{number}"])
        book.save(tmp_path / f"drop/{number}.xlsx")
        os.utime(tmp_path / f"drop/{number}.xlsx", (1, 1))
    kill_at(where, "town", "register")
    assert ledger.rows(ledger.taken_files.select()) == []
    ingestion.pull_table("town", "register")
    assert ingestion.pull_table("town", "register").state == "empty"
    assert [row["nr"] for row in city.landed("town", "register")] == ["n1", "n2"]
    assert {row["name"] for row in ledger.rows(ledger.taken_files.select())} == {"1.xlsx", "2.xlsx"}


def test_pulls_killed_at_random_moments_neither_lose_nor_double(
    city: Any, postgres: Any, bureau: str
) -> None:
    postgres.run(
        bureau,
        "INSERT INTO cases "
        "SELECT 'd' || i, repeat(md5(i::text), 8), timestamp '2017-11-30 09:00' + i * interval '1 ms' "
        "FROM generate_series(1, 300000) i",
    )
    chance = random.Random(7)
    for minute in range(4):
        city.at(f"2017-12-01 08:0{minute}")
        process = run(
            "import ingestion, sys; sys.stderr.write('ready\\n'); ingestion.pull_table('bureau', 'cases')"
        )
        assert process.stderr is not None and process.stderr.readline() == "ready\n"
        time.sleep(chance.uniform(0.2, 1.5))
        process.kill()
        process.communicate()
        assert all(
            file.name.startswith(".")
            or file.name.removesuffix(".parquet") in {row["load_id"] for row in city.loads()}
            for file in city.visible()
        )
    city.at("2017-12-01 09:00")
    ingestion.pull_table("bureau", "cases")
    rows = city.landed("bureau", "cases")
    assert len(rows) == 301_000 == len({row["nr"] for row in rows})


# Writes for longer than anybody waits.
ENDLESS = """
import sys
from pathlib import Path
import duckdb
from ingestion import landing
landing.write(duckdb.connect(), "SELECT random() AS r FROM range(10_000_000_000)", Path(sys.argv[1]))
"""


def test_a_draft_that_a_killed_run_left_is_written_over_and_not_beside(tmp_path: Path) -> None:
    draft = tmp_path / ".load.parquet.part"
    for _ in range(2):
        draft.write_bytes(b"half")
        process = run(ENDLESS, str(tmp_path / "load.parquet"))
        deadline = time.monotonic() + 60
        while draft.stat().st_size < 1_000_000 and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        written = draft.stat().st_size
        process.kill()
        process.communicate()
        assert written >= 1_000_000
        assert list(tmp_path.iterdir()) == [draft]


# The home is on a disk of its own that is too small.
FULL = """
import sys
import ingestion
from wangting.errors import WangtingError
try:
    ingestion.pull_table("bureau", "cases")
except WangtingError as error:
    sys.stderr.write(str(error))
"""


# Three megabytes that do not compress.
FAT = """
UPDATE cases SET note = (SELECT string_agg(md5(cases.nr || i || random()), '') FROM generate_series(1, 100) AS i)
"""


def test_a_file_that_may_not_grow_is_a_full_disk_in_one_sentence(
    city: Any, postgres: Any, bureau: str
) -> None:
    postgres.run(bureau, FAT)
    process = run("import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, 600_000))\n" + FULL)
    said = process.communicate(timeout=60)[1]
    assert "磁盘已满" in said and "清出空间后再运行" in said and "Traceback" not in said
    assert city.visible() == []
    assert ingestion.pull_table("bureau", "cases").rows == 1000


def test_a_full_disk_is_one_sentence_and_the_next_pull_completes(
    city: Any, postgres: Any, bureau: str, tmp_path: Path
) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=700k", "tmpfs", str(small)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("只有 root 才能挂载一块小磁盘")
    try:
        postgres.run(bureau, FAT)
        clock = (city.home / "clock.json").read_text("utf-8")
        city.set("WANGTING_HOME", str(small))
        (small / "clock.json").write_text(clock, "utf-8")
        process = run(FULL)
        said = process.communicate(timeout=60)[1]
        assert "磁盘已满" in said and "Traceback" not in said
        assert not [file for file in small.rglob("*.parquet") if not file.name.startswith(".")]
        subprocess.run(["mount", "-o", "remount,size=50m", str(small)], check=True)
        city.home = small
        assert ingestion.pull_table("bureau", "cases").rows == 1000
        assert len(city.landed("bureau", "cases")) == 1000
    finally:
        subprocess.run(["umount", "-l", str(small)], check=True)
