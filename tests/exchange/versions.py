"""Record versions written straight into the ledger, on the way that the state machine allows."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert, update

from tests.exchange.lane import UNIT
from wangting import ledger

BASE = datetime(2017, 12, 1, 8)
_WAYS = {
    "ACK": ("NEW", "SENT", "ACK"),
    "REJECTED": ("NEW", "SENT", "REJECTED"),
    "RETRY": ("NEW", "SENT", "RETRY"),
    "SENT": ("NEW", "SENT"),
    "SUPERSEDED": ("NEW", "SUPERSEDED"),
}


def minutes(count: float) -> timedelta:
    """So many minutes."""
    return timedelta(minutes=count)


def put(record: str, key: str, version: int = 1, **values: Any) -> None:
    """One version in the outbox; a number for a time means minutes after BASE. Default: acknowledged, clock at BASE."""
    for name, value in values.items():
        if name.endswith("_at") and isinstance(value, int | float):
            values[name] = BASE + minutes(value)
    row = {
        "record": record, "record_key": key, "version": version, "case_no": key.split("|")[0], "unit_code": UNIT,
        "source": "unified_platform", "batch_id": "b000001", "payload_hash": "p", "context_hash": "c",
        "state": "ACK", "stage": 0, "is_backfill": False, "outcome": "passed", "clock_at": BASE, "arrived_at": BASE,
    } | values  # fmt: skip
    row.setdefault("cut_at", row["arrived_at"])
    if row["clock_at"] is not None:
        row["due_at"] = row["clock_at"] + timedelta(hours=12)
        row.setdefault("business_time", row["clock_at"])
    o = ledger.outbox
    first, *way = _WAYS.get(row["state"], (row["state"],))
    this = (o.c.record == record, o.c.record_key == key, o.c.version == version)
    with ledger.transaction() as connection:
        connection.execute(insert(o).values(row | {"state": first}))
        for state in way:
            connection.execute(update(o).where(*this).values(state=state))
