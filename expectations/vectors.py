"""One chunk of records as Arrow columns, and what the checks ask of it, vectorised.

Every question answers with one boolean a row (numpy). A missing column raises KeyError: the check could not run.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Mask = npt.NDArray[np.bool_]
Bytes = npt.NDArray[np.uint8]

# What counts as blank around or instead of a value; the ideographic space U+3000 and the no-break space included.
BLANKS = " \t\r\n\u00a0\u3000"
# The first and last bytes that those characters have in UTF-8: only values with one of them can need trimming.
_EDGE = np.zeros(256, dtype=bool)
_EDGE[[byte for blank in BLANKS for byte in blank.encode()]] = True
# What a byte of UTF-8 stands for in GBK: ASCII 1, the first byte of a character 2, of one beyond the basic plane 4.
_GBK_WIDTH = np.repeat(np.array([1, 0, 2, 4], np.uint8), [0x80, 0x40, 0x30, 0x10])
_TAB, _LINE_FEED, _RETURN, _SPACE = 9, 10, 13, 32


def _mask(answer: pa.Array) -> Mask:
    """Arrow's answer as numpy; unknown is False."""
    filled = pc.fill_null(answer, False)
    return np.asarray(filled.to_numpy(zero_copy_only=False), dtype=bool)


def in_one_piece(batches: list[pa.RecordBatch]) -> pa.Table:
    """Record batches as one chunk, each column in one piece, text as `large_string`; `batches` is emptied.

    Column by column, so that the batches go as the chunk comes; pandas takes such text as it is, any other it copies.
    """
    source = pa.Table.from_batches(batches)
    batches.clear()
    names, columns = source.column_names, []
    for _ in names:
        column = source.column(0)
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        if pa.types.is_string(column.type):
            column = column.cast(pa.large_string())
        columns.append(column.combine_chunks())
        source = source.remove_column(0)
    return pa.table(columns, names=names)


def frame(table: pa.Table) -> Any:
    """A chunk as pandas: text as `str` (half the time of object), everything else left in Arrow; a RangeIndex."""
    import pandas as pd

    text = pd.StringDtype(storage="pyarrow", na_value=float("nan"))

    def dtype(kind: pa.DataType) -> Any:
        return text if pa.types.is_string(kind) or pa.types.is_large_string(kind) else pd.ArrowDtype(kind)

    return table.to_pandas(types_mapper=dtype)


class Text:
    """A column of text: offsets into one buffer of UTF-8 bytes."""

    def __init__(self, array: pa.Array) -> None:
        if not pa.types.is_large_string(array.type):
            array = array.cast(pa.large_string())
        self.array = array
        _, offsets, data = array.buffers()
        self.offsets = np.frombuffer(offsets, dtype=np.int64)[array.offset : array.offset + len(array) + 1]
        self.data: Bytes = np.frombuffer(data, dtype=np.uint8) if data is not None else np.zeros(0, np.uint8)
        self.known: Mask = _mask(pc.is_valid(array)) if array.null_count else np.ones(len(array), bool)
        self.sizes = np.where(self.known, np.diff(self.offsets), 0)

    def __len__(self) -> int:
        return len(self.array)

    def of(self, rows: Mask) -> "Text":
        """Only these rows, in a buffer of their own."""
        return Text(self.array.filter(pa.array(rows)))

    def spread(self, rows: Mask, answer: Mask) -> Mask:
        """An answer about some rows as an answer about all: the others False."""
        everywhere = np.zeros(len(self), bool)
        everywhere[rows] = answer
        return everywhere

    def trimmed_in(self, values: Sequence[str]) -> Mask:
        """Is the value, without blanks around it, one of `values`?"""
        longest = max((len(value.encode()) for value in values), default=0)
        nonempty = self.known & (self.sizes > 0)
        edge = np.zeros(len(self), bool)
        first = self.offsets[:-1][nonempty]
        last = self.offsets[1:][nonempty] - 1
        edge[nonempty] = _EDGE[self.data[first]] | _EDGE[self.data[last]]
        rows = self.known & ((self.sizes <= longest) | edge)
        if not rows.any():
            return rows
        trimmed = pc.utf8_trim(self.of(rows).array, characters=BLANKS)
        return self.spread(rows, _mask(pc.is_in(trimmed, value_set=pa.array(values, pa.large_string()))))

    def longer_than(self, limit: int, encoding: str) -> Mask:
        """Does the value take more bytes than `limit`? gbk: ASCII 1, else 2, beyond the basic plane 4."""
        rows: Mask = self.sizes > limit  # no encoding in question takes more bytes than UTF-8
        if encoding == "utf-8" or not rows.any():
            return rows
        some = self.of(rows)
        used = some.data[some.offsets[0] : some.offsets[-1]]
        # One byte a byte, and none of these values is empty: sums in place, not eight times the text in memory.
        bytes_taken = np.add.reduceat(_GBK_WIDTH[used], some.offsets[:-1] - some.offsets[0], dtype=np.int64)
        return self.spread(rows, bytes_taken > limit)

    def has_control(self) -> Mask:
        """Does the value hold a control character that no XML message can carry?"""
        used = self.data[self.offsets[0] : self.offsets[-1]]
        answer = np.zeros(len(self), bool)
        at = np.flatnonzero(used < _SPACE)  # hardly ever any: look closer only at those
        at = at[~np.isin(used[at], [_TAB, _LINE_FEED, _RETURN])]
        answer[np.searchsorted(self.offsets - self.offsets[0], at, side="right") - 1] = True
        return answer & self.known

    def matrix(self, size: int) -> tuple[Mask, Bytes]:
        """The rows of exactly `size` bytes, and those as a matrix of bytes."""
        rows: Mask = self.known & (self.sizes == size)
        some = self.of(rows)
        used = some.data[some.offsets[0] : some.offsets[-1]] if len(some) else some.data[:0]
        return rows, used.reshape(-1, size)


class Rows:
    """A chunk of records.

    Args:
        frame: a pandas frame whose text columns are `str` (Arrow-backed) and whose others are Arrow-backed.
    """

    def __init__(self, frame: Any) -> None:
        self._frame = frame
        self._arrays: dict[str, pa.Array] = {}
        self._texts: dict[str, Text] = {}
        self._given: dict[tuple[str, ...], Mask] = {}
        self.count = len(frame)

    def array(self, column: str) -> pa.Array:
        """A column as one Arrow array, without copying."""
        if column not in self._arrays:
            array = pa.array(self._frame[column], from_pandas=True)
            self._arrays[column] = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
        return self._arrays[column]

    def text(self, column: str) -> Text:
        """A text column."""
        if column not in self._texts:
            self._texts[column] = Text(self.array(column))
        return self._texts[column]

    def nowhere(self) -> Mask:
        """No row."""
        return np.zeros(self.count, bool)

    def given(self, column: str, fillers: Sequence[str]) -> Mask:
        """Has the column a value that is neither null, blank nor a filler?"""
        asked = (column, *fillers)
        if asked not in self._given:
            array = self.array(column)
            if pa.types.is_string(array.type) or pa.types.is_large_string(array.type):
                text = self.text(column)
                self._given[asked] = text.known & ~text.trimmed_in(["", *fillers])
            else:
                self._given[asked] = _mask(pc.is_valid(array))
        return self._given[asked]

    def among(self, column: str, values: Sequence[str | bool]) -> Mask:
        """Is the column's value one of `values`? Unknown is not."""
        array = self.array(column)
        wanted = pa.array(values).cast(array.type)
        return _mask(pc.is_in(array, value_set=wanted)) & _mask(pc.is_valid(array))

    def bare_name_in(self, column: str, names: Sequence[str]) -> Mask:
        """Is the name, in lower case and without blanks around and digits behind, one of `names`?"""
        text = self.text(column)
        rows = text.known & (text.sizes > 0)
        trimmed = pc.utf8_lower(pc.utf8_trim(text.of(rows).array, characters=BLANKS))
        bare = pc.ascii_rtrim(trimmed, characters="0123456789")
        return text.spread(rows, _mask(pc.is_in(bare, value_set=pa.array(names, pa.large_string()))))

    def before(self, column: str, other: str) -> Mask:
        """Is the time in `column` before that in `other`? Where either is unknown it is not."""
        return _mask(pc.less(self.array(column), self.array(other)))

    def before_moment(self, column: str, moment: Any) -> Mask:
        """Is the time in `column` before this moment?"""
        array = self.array(column)
        return _mask(pc.less(array, pa.scalar(moment, type=array.type)))

    def differs(self, column: str, other: str) -> Mask:
        """Are both known, and different?"""
        return _mask(pc.not_equal(self.array(column), self.array(other)))

    def exceeds(self, column: str, bound: int) -> Mask:
        """Is the number at least `bound` away from zero, or none at all (NaN)?"""
        # Unsafe: a whole number beyond 2^53 loses its last digits, not its size.
        number = pc.cast(self.array(column), pa.float64(), safe=False)
        return _mask(pc.invert(pc.less(pc.abs(number), pa.scalar(float(bound)))))

    def is_day_code(self, column: str, start: int, size: int, time: str, pattern: str) -> Mask:
        """Are the `size` characters from `start` (0-based) the day of `time`, written as `pattern`?"""
        written = pc.utf8_slice_codeunits(self.array(column), start, start + size)
        day = pc.cast(pc.strftime(self.array(time), format=pattern), pa.large_string())
        return _mask(pc.equal(pc.cast(written, pa.large_string()), day))

    def is_part(self, column: str, start: int, size: int, other: str, *, of_start: bool = False) -> Mask:
        """Is a part of `column` equal to `other` (or, `of_start`, to the same part of `other`)?"""
        part = pc.utf8_slice_codeunits(self.array(column), start, start + size)
        whole = self.array(other)
        if of_start:
            whole = pc.utf8_slice_codeunits(whole, start, start + size)
        return _mask(pc.equal(pc.cast(part, pa.large_string()), pc.cast(whole, pa.large_string())))
