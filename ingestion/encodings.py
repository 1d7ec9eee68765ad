"""In which encoding is a text file, really? What is declared is held against the bytes."""

import codecs
from pathlib import Path

from wangting.errors import WangtingError

_STEP = 1 << 20
_GB = {"gbk", "gb2312", "gb18030", "cp936"}  # each contains the one before it
_UTF8 = {"utf-8", "utf8", "utf-8-sig"}


def as_utf8(file: Path, encoding: str, target: Path, where: str) -> Path:
    """The file itself where it is UTF-8, else its text again as UTF-8 in `target`; in bounded memory.

    Args:
        encoding: as declared; `auto`: UTF-8, UTF-16 or GB 18030, whichever the whole file is.

    Raises:
        WangtingError: the bytes are not in the declared encoding, or in none of the three.
    """
    declared = encoding.lower()
    at = _first_foreign(file, "utf-8")
    is_marked = _start(file, 2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    if declared == "auto":
        if at is None and b"\0" not in _start(file, 4096):
            return file
        found = "utf-16" if is_marked else _wide(file) or "gb18030"
        if (wrong := _first_foreign(file, found)) is not None:
            raise WangtingError(
                f"文件的编码既不是 UTF-8、UTF-16 也不是 GB18030（第 {_line(file, max(at or 0, wrong))} 行附近）",
                place=where,
                mend="请来源用一种编码重新导出",
            )
        return _rewritten(file, found, target)
    if declared in _UTF8:
        if at is not None:
            raise _lie(file, encoding, "UTF-16" if is_marked else "GB18030", at, where)
        return file
    # Most UTF-8 reads as GB 18030 without an error, and as nonsense; hardly any GB 18030 reads as UTF-8.
    if declared in _GB and at is None and not _is_ascii(file):
        raise _lie(file, encoding, "UTF-8", 0, where)
    wide = "gb18030" if declared in _GB else encoding
    try:
        wrong = _first_foreign(file, wide)
    except LookupError:
        raise WangtingError(
            f"不认识编码 {encoding}", place=where, mend="改正 source.yml 中的 encoding"
        ) from None
    if wrong is not None:
        raise _lie(file, encoding, "UTF-8" if at is None else "UTF-16" if is_marked else "", wrong, where)
    return _rewritten(file, wide, target)


def unmarked(file: Path, target: Path) -> Path:
    """A UTF-8 file without its byte-order mark, which DuckDB takes for a part of a JSON document."""
    return _rewritten(file, "utf-8-sig", target) if _start(file, 3) == codecs.BOM_UTF8 else file


def _lie(file: Path, declared: str, likely: str, at: int, where: str) -> WangtingError:
    about = f"第 {_line(file, at)} 行，第 {at} 字节"
    return WangtingError(
        f"文件不是 {declared} 编码（{f'像是 {likely}，' if likely else ''}{about}）",
        place=where,
        mend="请来源按约定的编码导出，或改正 source.yml 中的 encoding（可写 auto）",
    )


def _first_foreign(file: Path, encoding: str) -> int | None:
    """Where the first byte stands that is not of the encoding; None: there is none."""
    decoder = codecs.getincrementaldecoder(encoding)()
    before = 0
    with file.open("rb") as content:
        while True:
            piece = content.read(_STEP)
            pending = len(decoder.getstate()[0])
            try:
                decoder.decode(piece, final=not piece)
            except UnicodeDecodeError as error:
                return max(0, before - pending + error.start)
            if not piece:
                return None
            before += len(piece)


def _rewritten(file: Path, encoding: str, target: Path) -> Path:
    decoder = codecs.getincrementaldecoder(encoding)()
    with file.open("rb") as content, target.open("wb") as out:
        while piece := content.read(_STEP):
            out.write(decoder.decode(piece).encode())
        out.write(decoder.decode(b"", final=True).encode())
    return target


def _is_ascii(file: Path) -> bool:
    with file.open("rb") as content:
        while piece := content.read(_STEP):
            if not piece.isascii():
                return False
    return True


def _wide(file: Path) -> str | None:
    """UTF-16 without a mark: every other byte of its ASCII characters is nought."""
    start = _start(file, 4096)
    if start[1::2].count(0) > len(start) // 8:
        return "utf-16-le"
    return "utf-16-be" if start[::2].count(0) > len(start) // 8 else None


def _start(file: Path, length: int) -> bytes:
    with file.open("rb") as content:
        return content.read(length)


def _line(file: Path, at: int) -> int:
    line = 1
    with file.open("rb") as content:
        while at > 0 and (piece := content.read(min(_STEP, at))):
            line += piece.count(b"\n")
            at -= len(piece)
    return line
