"""Valid exchange records to bend: every field filled, every context as it should be."""

from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from expectations.context import FILE, Context
from expectations.model import Record, Specification
from wangting import declared
from wangting.specification import FOLDER

UNIT, REGION = "006988574", "445100000000"
ITEM = f"101313005{UNIT}13445100"
CUT_AT = datetime(2017, 12, 1, 12, 0)
APPLIED = datetime(2017, 11, 20, 9, 30)
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_FALSE = ("ctx_is_refused", "ctx_item_is_immediate")
_COLUMNS = declared.load(FOLDER / "2013" / FILE, Context)
CONTEXT = {record: _COLUMNS.of(record) for record in _COLUMNS.columns["ctx_versions_are_whole"].records}
_TYPES = {"boolean": pa.bool_(), "timestamp": pa.timestamp("us"), "int": pa.int32(), "string": pa.string()}
_VALUES: dict[str, Any] = {
    "SXBM": ITEM, "SQRLX": "1", "SQRZJLX": "1", "LXRZJLX": "111", "LQRZJLX": "1", "LXRSJ": "13800138000",
    "SBBMZZJGDM": UNIT, "SLZTDM": "1", "YSLZTDM": "1", "BJJGDM": "0", "TJFS": "1", "LQFS": "0", "GDBLSX": 20,
    "GDBLSXDW": "G", "SPHJDM": "2", "TBCXZL": "B", "XKYF": "0", "SFJE": Decimal("12.50"), "XH": 1, "SPBZH": 2,
    "SPHJZTDM": "1", "TBCXSXDW": "G", "TBCXSX": 5, "BSLYY": None, "ZFHTHYY": None, "YSBLSH": None, "FSXBM": None,
    "SPYJ": "同意",
}  # fmt: skip


def id_number(number: int) -> str:
    """A citizen's number that is well formed; odd ones of 15 digits now and then."""
    born = datetime(1960, 1, 1) + timedelta(days=number % 15000)
    if number % 7 == 3:
        return f"445102{born:%y%m%d}{number % 1000:03d}"
    body = f"445102{born:%Y%m%d}{number % 1000:03d}"
    return body + "10X98765432"[sum(int(d) * w for d, w in zip(body, _WEIGHTS, strict=True)) % 11]


def valid(specification: Specification, record: str, number: int = 0) -> dict[str, Any]:
    """One record, as the exchange lane would cut it, that breaks no rule."""
    declared: Record = specification.records[record]
    case = f"{ITEM[:19]}{APPLIED:%y%m%d}{number % 10000:04d}"
    at = APPLIED + timedelta(days=2)
    row: dict[str, Any] = {}
    for name, field in declared.fields.items():
        value: Any
        if name in _VALUES:
            value = _VALUES[name]
        elif name == "SBLSH":
            value = case
        elif name == "SBSJ":
            value = APPLIED
        elif field.type == "time":
            value = at
        elif field.mask == "identifier" and name != "ZJBH":
            value = id_number(number)
        elif field.format == "org_code":
            value = UNIT
        elif field.format == "region":
            value = REGION
        elif field.mask == "name":
            value = ("陈小明", "林伟", "黄丽华", "潮州市某某陶瓷有限公司")[number % 4]
        elif (field.bytes or 0) < 6:
            value = "05"[: field.bytes]
        else:
            value = f"{field.title}{number % 97}"[: (field.bytes or 12) // 2]
        row[name.lower()] = value
    row |= _context(record)
    key = [row[name.lower()] for name in declared.key]
    row |= {
        "record_key": "|".join(str(part) for part in [*key[:1], number, *key[1:]]),
        "case_no": case,
        "business_time": row[(declared.business_time or "SBSJ").lower()],
        "unit_code": UNIT,
        "version": 1,
        "cut_at": CUT_AT,
    }
    return row


def _context(record: str) -> dict[str, Any]:
    context: dict[str, Any] = {}
    for name in CONTEXT[record]:
        if name == "ctx_item_limit":
            context[name] = 20
        elif name == "ctx_item_limit_unit":
            context[name] = "G"
        elif name == "ctx_immediate_until":
            context[name] = None
        elif _COLUMNS.columns[name].type == "boolean":
            context[name] = name not in _FALSE
        else:
            context[name] = APPLIED + timedelta(days=1)
    return context


def schema(specification: Specification, record: str) -> pa.Schema:
    """The types of a batch file."""
    kinds = {
        "text": pa.string(),
        "time": pa.timestamp("us"),
        "integer": pa.int32(),
        "number": pa.decimal128(16, 2),
    }
    fields = [
        (name.lower(), kinds[field.type]) for name, field in specification.records[record].fields.items()
    ]
    fields += [(name, _TYPES[_COLUMNS.columns[name].type]) for name in CONTEXT[record]]
    fields += [
        ("record_key", pa.string()), ("case_no", pa.string()), ("business_time", pa.timestamp("us")),
        ("unit_code", pa.string()), ("version", pa.int32()), ("cut_at", pa.timestamp("us")),
    ]  # fmt: skip
    return pa.schema(fields)


def write(specification: Specification, record: str, rows: list[dict[str, Any]], folder: Path) -> Path:
    """Rows as the batch file of their record type."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{record.lower()}.parquet"
    pq.write_table(pa.Table.from_pylist(rows, schema=schema(specification, record)), path)
    return path
