"""The rows that a service shows: one Parquet file that the simulated city rewrites as its clock moves on."""

from bisect import bisect_left
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq


class Rows:
    """One table, sorted by its time of change and its key, so that pages neither overlap nor leave gaps."""

    def __init__(self, path: Path, key: tuple[str, ...], columns: tuple[str, ...]) -> None:
        self._path, self._key, self._columns = path, key, columns
        self._seen: tuple[int, int, int] | None = None
        self._table: Any = None
        self._times: list[datetime] = []

    def page(self, page: int, size: int, updated_after: datetime | None) -> tuple[int, list[dict[str, Any]]]:
        """How many rows changed at or after `updated_after`, and one page of them, earliest change first."""
        self._reload()
        if self._table is None:
            return 0, []
        first = bisect_left(self._times, updated_after) if updated_after is not None else 0
        start = first + (page - 1) * size
        return len(self._times) - first, self._table.slice(start, size).to_pylist()

    def _reload(self) -> None:
        """Read the file again when it is another than last time; a city that has emitted nothing yet has no rows."""
        try:
            facts = self._path.stat()
        except FileNotFoundError:
            self._table, self._times, self._seen = None, [], None
            return
        seen = (facts.st_mtime_ns, facts.st_size, facts.st_ino)
        if seen == self._seen:
            return
        table = pq.read_table(self._path, partitioning=None)
        # Only what the interface promises is shown: the file may carry the generator's own notes.
        table = table.select([name for name in self._columns if name in table.column_names])
        order = [(name, "ascending") for name in ("updated_at", *self._key) if name in table.column_names]
        table = table.sort_by(order).combine_chunks()
        times = table["updated_at"].cast(pa.timestamp("us")).to_pylist()
        self._table, self._times, self._seen = table, times, seen
