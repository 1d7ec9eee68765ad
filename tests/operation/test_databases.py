"""The real databases of an installation: made by the script of the container, on a real PostgreSQL."""

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest

from operation import keys
from tests.house.tree import ROOT


@pytest.fixture(scope="module")
def secrets(postgres, tmp_path_factory):
    """Secrets as `make secrets` writes them, and the databases that the container's script makes of them."""
    folder = tmp_path_factory.mktemp("installation") / "secrets"
    keys.write(folder)
    socket = postgres._socket
    done = subprocess.run(
        ["sh", str(ROOT / "docker" / "postgres-init.sh")],
        env={
            "PATH": f"{postgres._server.bin_path}:{os.environ['PATH']}",
            "PGHOST": socket,
            "WANGTING_SECRETS_DIR": str(folder),
        },
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    # Here the server is found by its socket, not by the container's name.
    for name in ("wangting_airflow_database_url", "wangting_superset_db", "wangting_ledger_url"):
        file = folder / name
        parts = urlsplit(file.read_text())
        postgres.require_password(parts.username)
        file.chmod(0o600)
        file.write_text(
            f"{parts.scheme}://{parts.username}:{parts.password}@{parts.path}?host={quote(socket, safe='')}\n"
        )
    return folder


def test_each_part_has_a_database_of_its_own_that_no_other_enters(secrets, postgres):
    for name in ("airflow", "superset", "ledger"):
        url = urlsplit(
            next(file.read_text() for file in secrets.iterdir() if f"://{name}:" in file.read_text())
        )
        own = postgres.url(name, user=name, password=url.password)
        assert postgres.run(own, "create table t (n int); select current_user").strip() == name
        for other in {"airflow", "superset", "ledger"} - {name}:
            with pytest.raises(AssertionError, match="permission denied"):
                postgres.run(postgres.url(other, user=name, password=url.password), "select 1")
        with pytest.raises(AssertionError, match="password authentication failed"):
            postgres.run(postgres.url(name, user=name, password="guessed"), "select 1")
        postgres.run(own, "drop table t")


def test_airflow_is_prepared_on_it_and_the_ledger_lives_there(secrets, postgres, tmp_path):
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("WANGTING_", "AIRFLOW"))
    }
    environment = clean | {"WANGTING_HOME": str(home), "WANGTING_SECRETS_DIR": str(secrets)}
    done = subprocess.run(
        [sys.executable, "-m", "operation.airflow", "prepare"],
        cwd=ROOT, env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    made = postgres.run(
        postgres.url("airflow"), "select count(*) from slot_pool where pool in ('landing', 'exchange')"
    )
    assert made.strip() == "2"
    assert not (home / "airflow" / "airflow.db").exists()
    password = (secrets / "wangting_airflow_password").read_text().strip()
    kept = home / "airflow" / "simple_auth_manager_passwords.json.generated"
    assert password in kept.read_text() and kept.stat().st_mode & 0o077 == 0
    done = subprocess.run(
        [str(Path(sys.executable).with_name("wangting")), "alarms", "--json"],
        cwd=ROOT, env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert (
        int(postgres.run(postgres.url("ledger"), "select count(*) from pg_tables where tablename = 'builds'"))
        == 1
    )
    assert not (home / "ledger.sqlite").exists()
    # A secret that was given as a file was not written down anywhere else.
    assert not (home / "keys").exists()
