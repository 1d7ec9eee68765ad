"""An exchange lane made by hand, and a gate that says what it is told."""

import hashlib
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import func, insert, select, update

from exchange import batches
from exchange.cut import cut
from exchange.outbox import EnqueueSummary, enqueue
from exchange.records import RecordType, code_lists, record_types
from exchange.records import _specification as site_specification
from wangting import at_rest, clock, ledger

UNIT, REGION = "006988574", "445102000000"
PERSON = "44510219800101123X"  # well formed, of nobody
ITEM = f"101313005{UNIT}13445102"
GO_LIVE = datetime(2017, 11, 30, 8)
NOW = datetime(2017, 11, 30, 18)
KINDS = {
    "text": pa.string(),
    "time": pa.timestamp("us"),
    "integer": pa.int32(),
    "number": pa.decimal128(16, 2),
}
VALUES: dict[str, Any] = {
    "SXBM": ITEM, "SQRLX": "1", "SQRZJLX": "1", "SQRZJHM": PERSON, "LXRZJLX": "1", "LXRSFZJHM": PERSON,
    "LXRSJ": "13800138000", "LQRZJLX": "1", "LQRSFZJHM": PERSON, "QDFS": "0", "SBBMZZJGDM": UNIT, "SLZTDM": "1",
    "YSLZTDM": "1", "BJJGDM": "6", "XKYF": "0", "TJFS": "1", "LQFS": "0", "GDBLSX": 20, "GDBLSXDW": "G",
    "SPHJDM": "2", "SPHJZTDM": "1", "SPBZH": 1, "SPYJ": "同意", "TBCXZL": "B", "TBCXSX": 5, "TBCXSXDW": "G",
    "SFJE": 0, "JEDWDM": "CNY", "XH": 1,
}  # fmt: skip
ADDED = {
    "record_key": pa.string(), "case_no": pa.string(), "business_time": pa.timestamp("us"), "unit_code": pa.string(),
    "source": pa.string(), "source_written_at": pa.timestamp("us"), "arrived_at": pa.timestamp("us"),
    "payload_hash": pa.string(), "context_hash": pa.string(), "ctx_has_application": pa.bool_(),
    "case_month": pa.date32(), "_run_no": pa.int64(),
}  # fmt: skip
SB, WSYSL, SL, SPCL, BJ = "EX_GDBS_SB", "EX_GDBS_WSYSL", "EX_GDBS_SL", "EX_GDBS_SPCL", "EX_GDBS_BJ"


def case_no(number: int, day: date = date(2017, 11, 30)) -> str:
    """The number of a case applied for on a day."""
    return f"{ITEM[:19]}{day:%y%m%d}{number:04d}"


def _hash(values: list[Any]) -> str:
    return hashlib.md5("|".join("" if value is None else str(value) for value in values).encode()).hexdigest()


class Lane:
    """The exchange lane of a home."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.kinds: dict[str, RecordType] = {kind.record: kind for kind in record_types()}
        self._keys = {name: record.key for name, record in site_specification().exchanged.items()}
        self._times = {name: record.business_time for name, record in site_specification().exchanged.items()}
        self.rows: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in self.kinds}
        self.run_no = 0
        self._changed: set[tuple[str, str]] = set()
        clock.set_simulated(NOW)

    def put(
        self,
        record: str,
        case: str,
        at: datetime | None,
        *,
        written_at: datetime | None = None,
        has_application: bool = True,
        **fields: Any,
    ) -> str:
        """Add a record, or correct it; returns its key."""
        row: dict[str, Any] = {}
        for field in self.kinds[record].fields:
            value = VALUES.get(field.official)
            if field.official == "SBLSH":
                value = case
            elif field.official == self._times[record] or field.type == "time":
                value = at
            elif value is None and field.official.startswith("XZQH"):
                value = REGION
            elif value is None and "ZZJ" in field.official:
                value = UNIT
            elif value is None and field.codes:
                value = next(iter(code_lists()[field.codes]))
            elif value is None and field.type == "text":
                value = field.title[:2]
            row[field.column] = fields.get(field.official, value)
        key = "|".join(
            "" if row[name.lower()] is None else f"{row[name.lower()]:%Y-%m-%d %H:%M:%S}"
            if isinstance(row[name.lower()], datetime) else str(row[name.lower()])
            for name in self._keys[record]
        )  # fmt: skip
        payload = _hash(list(row.values()))
        row |= {
            "record_key": key,
            "case_no": case,
            "business_time": at,
            "unit_code": UNIT,
            "source": "unified_platform",
            "source_written_at": written_at or (at + timedelta(minutes=1) if at else None),
            "arrived_at": clock.now(),
            "payload_hash": payload,
            "context_hash": f"rules:{_hash([has_application])}",
            "ctx_has_application": has_application,
            "case_month": date(2017, 11, 1),
        }
        self.rows[record][key] = row
        self._changed.add((record, key))
        return key

    def case(
        self, number: int, at: datetime, stages: tuple[str, ...] = (SB, SL, SPCL, BJ), **fields: Any
    ) -> str:
        """A whole case whose stages are an hour apart."""
        case = case_no(number, at.date())
        for position, record in enumerate(stages):
            self.put(record, case, at + timedelta(hours=position), **fields)
        return case

    def build(self, state: str = "passed", mode: str = "incremental") -> None:
        """Write the lane's file as a build would, and note the build."""
        self.run_no += 1
        for record, key in self._changed:
            self.rows[record][key]["_run_no"] = self.run_no
        self._changed.clear()
        folder = self.home / "lanes" / "exchange"
        folder.mkdir(parents=True, exist_ok=True)
        with duckdb.connect(folder / "exchange.duckdb") as file:
            for kind in self.kinds.values():
                schema = pa.schema(
                    [(field.column, KINDS[field.type]) for field in kind.fields] + list(ADDED.items())
                )
                table = pa.Table.from_pylist(list(self.rows[kind.record].values()), schema=schema)
                file.register("given", table)
                file.execute(f"create or replace table {kind.table} as select * from given")
                file.unregister("given")
            file.execute("create schema if not exists run")
            file.execute(f"create or replace table run.context as select {self.run_no} as run_no")
        with ledger.transaction() as connection:
            number = connection.execute(select(func.count()).select_from(ledger.builds)).scalar()
            connection.execute(
                insert(ledger.builds).values(
                    build_id=f"exchange-{number:06d}",
                    lane="exchange",
                    mode=mode,
                    state=state,
                    started_at=clock.now(),
                )
            )


def judge(batch_id: str, held: dict[str, str] | None = None, warned: dict[str, str] | None = None) -> None:
    """Judge a batch as told: record key → rule, for those held and those warned of; everything else passes."""
    folder = batches.verdict_file(batch_id, "x").parent
    folder.mkdir(parents=True, exist_ok=True)
    findings = []
    for kind in record_types():
        file = batches.record_file(batch_id, kind.table)
        if not file.is_file():
            continue
        verdicts = []
        pieces = at_rest.record_batches(file, ["record_key", "case_no", "version"], 10_000)
        for row in (row for piece in pieces for row in piece.to_pylist()):
            outcome = "passed"
            for name, rules in (("warned", warned or {}), ("held", held or {})):
                if rule := rules.get(row["record_key"]) or rules.get(f"{kind.record}|{row['record_key']}"):
                    outcome = name
                    severity = "block" if name == "held" else "warn"
                    findings.append({**row, "record": kind.record, "rule_id": rule, "severity": severity})
            verdicts.append({**row, "outcome": outcome})
        pq.write_table(pa.Table.from_pylist(verdicts), folder / f"{kind.table}.parquet")
    if findings:
        pq.write_table(pa.Table.from_pylist(findings), folder / "findings.parquet")
    with ledger.transaction() as connection:
        connection.execute(
            update(ledger.batches).where(ledger.batches.c.batch_id == batch_id).values(state="gated")
        )


def passage(lane: Lane, **told: dict[str, str]) -> EnqueueSummary:
    """Build, cut, judge as told, enqueue."""
    return enqueue(judged(lane, **told))


def entered(lane: Lane, **told: dict[str, str]) -> str:
    """The same, and the batch's name."""
    batch_id = judged(lane, **told)
    enqueue(batch_id)
    return batch_id


def judged(lane: Lane, **told: dict[str, str]) -> str:
    """Build, cut, and judge as told; the batch's name."""
    lane.build()
    batch_id = cut().batch_id
    assert batch_id is not None
    judge(batch_id, **told)
    return batch_id


def states() -> dict[tuple[str, str, int], str]:
    """(record type without its prefix, case number's last four digits, version) → state."""
    return {
        (row["record"].removeprefix("EX_GDBS_"), row["case_no"][-4:], row["version"]): row["state"]
        for row in ledger.rows(select(ledger.outbox))
    }


def outbox(record: str, case: str, version: int = 1) -> dict[str, Any]:
    """One row of the outbox."""
    o = ledger.outbox
    found = ledger.rows(select(o).where(o.c.record == record, o.c.case_no == case, o.c.version == version))
    assert len(found) == 1
    return found[0]
