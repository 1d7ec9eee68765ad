"""The rows that a service shows: one Parquet file that the simulated city rewrites as its clock moves on."""

from bisect import bisect_left, bisect_right
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

CHANGED = "updated_at"


class Rows:
    """One table, sorted by its time of change (where it has one) and its key, so that pages neither overlap nor leave
    gaps."""

    def __init__(self, path: Path, key: tuple[str, ...], columns: tuple[str, ...] = ()) -> None:
        self._path, self._key, self._columns = path, key, columns
        self._seen: tuple[int, int, int] | None = None
        self._table: Any = None
        self._times: list[datetime] = []
        self._names: list[str] | None = None

    def between(self, since: datetime | None, until: datetime | None) -> tuple[int, int]:
        """The places (first, and one past the last) of the rows that changed from `since` to `until`, inclusive."""
        self._reload()
        if self._table is None:
            return 0, 0
        first = bisect_left(self._times, since) if since is not None else 0
        end = bisect_right(self._times, until) if until is not None else self._table.num_rows
        return first, max(first, end)

    def slice(self, first: int, end: int) -> list[dict[str, Any]]:
        """The rows at these places, earliest change first."""
        rows: list[dict[str, Any]] = (
            [] if self._table is None else self._table.slice(first, end - first).to_pylist()
        )
        return rows

    def after(self, name: str) -> int:
        """The place of the first row behind the one of that name, whether it is still there or not."""
        return bisect_right(self._known_names(), name)

    def name(self, place: int) -> str:
        """What the row at a place is called in a cursor: its time of change and its key."""
        return self._known_names()[place]

    def _known_names(self) -> list[str]:
        if self._names is None:
            times = [each.isoformat() for each in self._times] or [""] * self._table.num_rows
            keys = zip(*(map(str, self._table[name].to_pylist()) for name in self._key), strict=True)
            self._names = ["\t".join((time, *key)) for time, key in zip(times, keys, strict=True)]
        return self._names

    def _reload(self) -> None:
        """Read the file again when it is another than last time; a city that has emitted nothing yet has no rows."""
        try:
            facts = self._path.stat()
        except FileNotFoundError:
            self._table, self._times, self._names, self._seen = None, [], None, None
            return
        seen = (facts.st_mtime_ns, facts.st_size, facts.st_ino)
        if seen == self._seen:
            return
        table = pq.read_table(self._path, partitioning=None)
        if (
            self._columns
        ):  # only what the interface promises is shown: the file may carry the generator's own notes
            table = table.select([name for name in self._columns if name in table.column_names])
        order = [(name, "ascending") for name in (CHANGED, *self._key) if name in table.column_names]
        table = table.sort_by(order).combine_chunks()
        is_timed = CHANGED in table.column_names
        times = table[CHANGED].cast(pa.timestamp("us")).to_pylist() if is_timed else []
        self._table, self._times, self._names, self._seen = table, times, None, seen
