"""The home is its owner's alone, whatever the shell's umask says."""

import os
import subprocess
import sys

import pytest

from wangting import home_modes, ledger, locks

# With a shell that opens everything to everybody, in a process of its own: a umask is a process's.
OPENED = """
import os
os.umask(0)
from wangting import engine, ledger, locks, settings
from sqlalchemy import select
place = settings.home() / "lanes" / "exchange"
with locks.writer("exchange"):
    place.mkdir(parents=True)
    with engine.connect(place / "exchange.duckdb") as work:
        work.execute("set memory_limit = '50MB'")
        work.execute("create table t as select md5(i::varchar) as x from range(1000000) t(i)")
        work.execute(f"copy (from t) to '{settings.home() / 'some.parquet'}' (format parquet)")
        with ledger.transaction() as connection:
            connection.exec_driver_sql("select 1")
            for path in settings.home().rglob("*"):
                print(oct(path.stat().st_mode & 0o777), path)
"""


def test_everything_that_a_process_makes_is_its_owners_alone(tmp_path):
    home = tmp_path / "new" / "home"
    done = subprocess.run(
        [sys.executable, "-c", OPENED],
        env=os.environ | {"WANGTING_HOME": str(home)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    for name in (
        "ledger.sqlite",
        "ledger.sqlite-wal",
        "ledger.sqlite-shm",
        "exchange.duckdb",
        "some.parquet",
    ):
        assert any(line.endswith(name) for line in lines), name
    assert not [line for line in lines if line.split()[0] not in ("0o600", "0o700")]
    assert home.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(("mode", "is_open"), [(0o600, False), (0o640, True), (0o604, True), (0o622, True)])
def test_a_file_that_others_may_read_is_found_and_closed(home, mode, is_open):
    folder = home / "batches" / "b000001"
    folder.mkdir(parents=True)
    folder.chmod(0o700)
    (home / "batches").chmod(0o700)
    file = folder / "ex_gdbs_sb.parquet"
    file.write_bytes(b"")
    file.chmod(mode)
    assert list(home_modes.wider()) == ([file] if is_open else [])
    assert home_modes.mend() == int(is_open)
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(home_modes.wider()) == []


def test_an_open_folder_is_told_at_first_sight_and_closed(home):
    (home / "landing").mkdir()
    (home / "landing").chmod(0o755)
    home.chmod(0o755)
    assert home_modes.at_first_sight() == [home, home / "landing"]
    assert home_modes.mend() == 2
    assert (home.stat().st_mode & 0o777, (home / "landing").stat().st_mode & 0o777) == (0o700, 0o700)
    assert home_modes.at_first_sight() == []


def test_the_simulated_city_is_outside_the_house(home):
    (home / "simulator").mkdir()
    (home / "simulator").chmod(0o755)
    home.chmod(0o711)  # its database runs as another account
    assert list(home_modes.wider()) == home_modes.at_first_sight() == []


def test_locks_and_ledger_are_closed_too(home):
    with locks.writer("exchange"):
        ledger.rows(ledger.batches.select())
        assert list(home_modes.wider()) == []
