"""An older ledger comes up by itself; a busy or absent one is told of in one sentence, and the next run goes on."""

import sqlite3
import threading
from datetime import datetime

import pytest
from sqlalchemy import inspect, select

from wangting import ledger, ledger_connection, settings
from wangting.errors import WangtingError

AT = datetime(2017, 12, 1, 9)
# The tables as the version before the state machine made them.
OLDER = """
CREATE TABLE outbox (
    record VARCHAR NOT NULL, record_key VARCHAR NOT NULL, version INTEGER NOT NULL, case_no VARCHAR NOT NULL,
    unit_code VARCHAR, source VARCHAR NOT NULL, batch_id VARCHAR NOT NULL, payload_hash VARCHAR NOT NULL,
    context_hash VARCHAR NOT NULL, state VARCHAR NOT NULL, stage INTEGER NOT NULL, is_backfill BOOLEAN NOT NULL,
    outcome VARCHAR NOT NULL, rules TEXT, attempts INTEGER NOT NULL, next_try_at TIMESTAMP, clock_at TIMESTAMP,
    due_at TIMESTAMP, written_at TIMESTAMP, arrived_at TIMESTAMP NOT NULL, cut_at TIMESTAMP NOT NULL,
    sent_at TIMESTAMP, acked_at TIMESTAMP, receipt_code INTEGER, receipt_no VARCHAR, receipt_text TEXT,
    PRIMARY KEY (record, record_key, version)
);
CREATE INDEX outbox_by_state ON outbox (state, stage, case_no);
CREATE INDEX outbox_by_case ON outbox (case_no);
INSERT INTO outbox (record, record_key, version, case_no, source, batch_id, payload_hash, context_hash, state, stage,
    is_backfill, outcome, rules, attempts, arrived_at, cut_at)
VALUES
    ('EX_GDBS_SB', 'a', 1, 'a', 's', 'b', 'p', 'c', 'ACK', 0, false, 'passed', NULL, 1, '2017-12-01', '2017-12-01'),
    ('EX_GDBS_SB', 'b', 1, 'b', 's', 'b', 'p', 'c', 'HELD', 0, true, 'held', 'N1.code', 0, '2017-12-01', '2017-12-01'),
    ('EX_GDBS_SL', 'b', 1, 'b', 's', 'b', 'p', 'c', 'HELD', 2, true, 'unchecked', 'X', 0, '2017-12-01', '2017-12-01');
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def older(request, home, monkeypatch):
    """A ledger of the version before."""
    if request.param == "sqlite":
        with sqlite3.connect(home / "ledger.sqlite") as file:
            file.executescript(OLDER.replace("TIMESTAMP", "DATETIME"))
    else:
        url = request.getfixturevalue("postgres").create(OLDER)
        monkeypatch.setenv("WANGTING_LEDGER_URL", url)
    yield
    ledger.forget()


def counts():
    c = ledger.outbox_counts
    return {
        (row["record"], row["state"], row["is_backfill"], row["rules"]): row["n"]
        for row in ledger.rows(select(c))
    }


def test_an_older_ledger_is_brought_up_without_losing_a_row(older):
    assert counts() == {
        ("EX_GDBS_SB", "ACK", False, ""): 1,
        ("EX_GDBS_SB", "HELD", True, "N1.code"): 1,
        ("EX_GDBS_SL", "HELD", True, "unchecked"): 1,
    }
    about = inspect(ledger.engine())
    for table in ledger.metadata.sorted_tables:
        assert {column["name"] for column in about.get_columns(table.name)} >= set(table.columns.keys())
        assert {index["name"] for index in about.get_indexes(table.name)} >= {
            index.name for index in table.indexes
        }
    assert len(ledger.rows(select(ledger.outbox))) == 3


def test_a_ledger_of_this_version_is_looked_at_once_and_left_alone(older):
    before = counts()
    ledger.forget()
    assert counts() == before


def test_several_processes_at_once_bring_it_up_once(older):
    from wangting.ledger_schema import bring_up

    errors = []

    def come():
        made = ledger_connection.made(settings.ledger_url())
        try:
            bring_up(made, ledger.metadata, ledger._writing)
        except Exception as error:  # whatever it is, the test is to show it
            errors.append(error)
        finally:
            made.dispose()

    threads = [threading.Thread(target=come) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert sum(counts().values()) == 3


def load(number):
    return {
        "load_id": f"l{number}", "source": "s", "table_name": "t", "state": "committed", "load_date": "20171201",
        "rows": 1, "bytes": 1, "planned_at": AT,
    }  # fmt: skip


@pytest.fixture(params=["sqlite", "postgresql"])
def both(request, home, monkeypatch):
    """An empty ledger of either kind; writers have little patience."""
    monkeypatch.setattr(ledger_connection, "PATIENCE", 1)
    if request.param == "postgresql":
        monkeypatch.setenv("WANGTING_LEDGER_URL", request.getfixturevalue("postgres").create())
    yield request.param
    ledger.forget()


def test_a_ledger_that_another_process_holds_is_told_of_and_nothing_is_lost(both):
    ledger.last_commit_seq()
    other = ledger_connection.made(settings.ledger_url())
    with ledger._writing(other) as holding:
        holding.execute(ledger.loads.insert(), load(1))
        with pytest.raises(WangtingError, match=r"占用.*断点继续"):
            ledger.record(ledger.loads, **load(2))
    other.dispose()
    ledger.record(ledger.loads, **load(2))
    assert [row["load_id"] for row in ledger.rows(select(ledger.loads.c.load_id).order_by("load_id"))] == [
        "l1",
        "l2",
    ]


def test_commit_numbers_never_double_and_never_come_out_of_order(both, monkeypatch):
    monkeypatch.setattr(ledger_connection, "PATIENCE", 60)
    seen = []

    def commit(part):
        for number in range(10):
            with ledger.transaction() as connection:
                taken = ledger.next_commit_seq(connection)
                connection.execute(ledger.loads.insert(), load(part * 100 + number) | {"commit_seq": taken})
            seen.append((taken, ledger.last_commit_seq()))

    threads = [threading.Thread(target=commit, args=(part,)) for part in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken for taken, _ in seen) == list(range(1, 41))
    assert all(last >= taken for taken, last in seen)


def test_a_database_that_goes_away_in_the_middle_is_told_of_and_the_next_run_goes_on(
    home, postgres, monkeypatch
):
    url = postgres.create()
    monkeypatch.setenv("WANGTING_LEDGER_URL", url)
    ledger.record(ledger.loads, **load(1))
    name = url.partition("@/")[2].partition("?")[0]
    kill = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
    with pytest.raises(WangtingError, match=r"连接中断.*断点继续"), ledger.transaction() as connection:
        connection.execute(ledger.loads.insert(), load(2))
        postgres.run(postgres.url("postgres"), kill)
        connection.execute(ledger.loads.insert(), load(3))
    ledger.record(ledger.loads, **load(2))
    assert len(ledger.rows(select(ledger.loads))) == 2
    ledger.forget()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda url: url.replace("host=", "host=/nowhere"), "连不上"),
        (lambda url: url.replace("/db", "/none_of_it"), "没有该库"),
    ],
)
def test_an_absent_database_is_told_of_without_the_password(home, postgres, monkeypatch, change, said):
    url = change(postgres.create().replace("postgres:@", "postgres:secret@"))
    monkeypatch.setenv("WANGTING_LEDGER_URL", url)
    with pytest.raises(WangtingError, match=said) as told:
        ledger.last_commit_seq()
    assert "secret" not in str(told.value)


def test_a_file_that_is_no_ledger_is_told_of(home):
    (home / "ledger.sqlite").write_text("this is no database, however long it may go on " * 50)
    with pytest.raises(WangtingError, match="不是台账"):
        ledger.last_commit_seq()
