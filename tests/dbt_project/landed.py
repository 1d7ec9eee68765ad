"""Rows straight into the landing, as ingestion would have left them: for tests of what comes after it."""

import hashlib
from datetime import datetime
from itertools import count
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from wangting import clock, ledger, settings
from wangting.dbt_assembly import FILE_LINEAGE, LINEAGE
from wangting.site import current_site

_numbers = count(1)
_ARROW: dict[str, Any] = {
    "string": pa.string(),
    "int": pa.int32(),
    "bigint": pa.int64(),
    "double": pa.float64(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
    "boolean": pa.bool_(),
}


def _arrow(kind: str) -> Any:
    if kind.startswith("decimal"):
        precision, scale = kind[8:-1].split(",")
        return pa.decimal128(int(precision), int(scale))
    return _ARROW[kind]


def land(source: str, table: str, rows: list[dict[str, Any]], *, loaded_at: datetime | None = None) -> str:
    """One committed load of `rows`; columns that a row does not give are null. Returns the load_id."""
    spec = current_site().source(source).tables[table]
    columns = spec.columns | LINEAGE | (FILE_LINEAGE if spec.pattern else {})
    load_id = f"{source}-{table}-{next(_numbers):05d}"
    at = loaded_at or clock.now()
    filled = []
    for row in rows:
        unknown = set(row) - set(columns)
        assert not unknown, unknown
        text = repr(sorted(row.items(), key=lambda pair: pair[0]))
        digest = int(hashlib.md5(text.encode()).hexdigest()[:15], 16)
        lineage = {
            "_source": source,
            "_table": table,
            "_load_id": load_id,
            "_loaded_at": at,
            "_row_hash": digest,
        }
        filled.append({name: (row | lineage).get(name) for name in columns})
    schema = pa.schema([(name, _arrow(kind)) for name, kind in columns.items()])
    landed = pa.Table.from_pylist(filled, schema=schema)
    path = f"landing/{source}/{table}/load_date={at:%Y-%m-%d}/{load_id}.parquet"
    file = settings.home() / path
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(landed, file, compression="zstd")
    commit(
        source, table, load_id, path, len(rows), at, deleted=sum(bool(row.get("_is_deleted")) for row in rows)
    )
    return load_id


def land_deletes(source: str, table: str, rows: list[dict[str, Any]]) -> str:
    """One committed load that says that these rows are gone: of each its key alone."""
    key = current_site().source(source).tables[table].key
    return land(source, table, [{name: row[name] for name in key} | {"_is_deleted": True} for row in rows])


def commit(
    source: str, table: str, load_id: str, path: str, rows: int, at: datetime, *, deleted: int = 0
) -> None:
    """Enter a landed file in the ledger."""
    with ledger.transaction() as connection:
        connection.execute(
            ledger.loads.insert().values(
                load_id=load_id,
                source=source,
                table_name=table,
                state="committed",
                commit_seq=ledger.next_commit_seq(connection),
                load_date=f"{at:%Y-%m-%d}",
                path=path,
                rows=rows,
                deleted=deleted or None,
                planned_at=at,
                loaded_at=at,
            )
        )
