"""The province's receipts are read from the ledger and from the files into which it moves those of final records."""

from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingestion.pulling import pull
from wangting import clock, ledger

_MORNING = datetime(2017, 12, 1, 9)


def _receipt(number: int, hour: int, code: int | None = 0) -> dict[str, Any]:
    return {
        "receipt_id": number,
        "record": "EX_GDBS_SB",
        "record_key": f"key {number}",
        "version": 1,
        "attempt": 1,
        "received_at": datetime(2017, 12, 1, hour),
        "code": code,
        "receipt_no": None if code is None else f"R{number}",
        "text": None,
    }


@pytest.fixture
def receipts(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two receipts in the ledger and an attempt that nobody answered."""
    monkeypatch.setenv("PROVINCE_URL", "http://127.0.0.1:9")
    clock.set_simulated(_MORNING)
    with ledger.transaction() as connection:
        ledger.add(connection, ledger.receipts, [_receipt(1, 7), _receipt(2, 8, 1), _receipt(3, 8, None)])
    return home


def _landed(home: Path) -> list[tuple[Any, ...]]:
    files = home / "landing" / "province_receipts" / "receipts" / "**" / "*.parquet"
    return duckdb.sql(f"select receipt_id, code from read_parquet('{files}') order by all").fetchall()


def _make_final(home: Path, numbers: list[int], made_at: datetime) -> None:
    """Move receipts into a final file, as the ledger has them."""
    path = Path("finals/case_month=1712/one.parquet")
    beside = home / path.with_suffix(".receipts.parquet")
    beside.parent.mkdir(parents=True)
    ids = ", ".join(map(str, numbers))
    with duckdb.connect() as connection:
        rows = ledger.rows(ledger.receipts.select().where(ledger.receipts.c.receipt_id.in_(numbers)))
        names = list(rows[0])
        connection.execute(
            "create table moved (receipt_id bigint, record varchar, record_key varchar, version integer,"
            " attempt integer, received_at timestamp, code integer, receipt_no varchar, text varchar)"
        )
        connection.executemany(
            f"insert into moved values ({', '.join('?' for _ in names)})",
            [list(row.values()) for row in rows],
        )
        connection.execute(f"copy moved to '{beside}' (format parquet)")
        # Of the records themselves none: these tests are about receipts.
        columns = "record varchar, record_key varchar, version integer, is_backfill boolean, state varchar"
        connection.execute(f"create table records ({columns}, acked_at timestamp)")
        connection.execute(f"copy records to '{home / path}' (format parquet)")
    with ledger.transaction() as connection:
        connection.exec_driver_sql(f"DELETE FROM receipts WHERE receipt_id IN ({ids})")
        about = {
            "path": str(path),
            "case_month": "1712",
            "rows": 1,
            "receipts": len(numbers),
            "from_case": "a",
        }
        about |= {"to_case": "b", "latest_due_at": None, "last_receipt_id": max(numbers), "made_at": made_at}
        ledger.add(connection, ledger.final_files, [about])


def test_answers_land_and_an_attempt_without_one_does_not(receipts: Path) -> None:
    assert [result.errors for result in pull(["province_receipts"])] == [[], []]
    assert _landed(receipts) == [(1, 0), (2, 1)]


def test_a_receipt_that_became_final_before_the_pull_lands_all_the_same(receipts: Path) -> None:
    _make_final(receipts, [1], _MORNING)
    assert [result.errors for result in pull(["province_receipts"])] == [[], []]
    assert _landed(receipts) == [(1, 0), (2, 1)]


def test_one_that_becomes_final_after_it_landed_does_not_land_twice(receipts: Path) -> None:
    pull(["province_receipts"])
    _make_final(receipts, [2], datetime(2017, 12, 1, 9, 30))
    clock.set_simulated(datetime(2017, 12, 1, 10))
    assert [result.rows for result in pull(["province_receipts"])] == [0, 0]
    assert [result.rows for result in pull(["province_receipts"], full=True)] == [0, 0]
    assert _landed(receipts) == [(1, 0), (2, 1)]
