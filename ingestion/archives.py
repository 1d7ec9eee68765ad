"""ZIP archives, and the list that says what files should hold."""

import csv
import fnmatch
import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from xml.etree import ElementTree

from wangting import disk
from wangting.errors import WangtingError
from wangting.source_spec import Manifest, Table

_ENCRYPTED = 0x1
_STEP = 1 << 20
_DAMAGED = (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError)


@dataclass(frozen=True)
class Expected:
    """What a list says of a file; None: nothing."""

    rows: int | None
    sha256: str | None

    def check(self, rows: int, digest: str, where: str) -> None:
        """Hold the file against it.

        Raises:
            WangtingError: it has another checksum or another number of rows.
        """
        if self.sha256 is not None and self.sha256.lower() != digest:
            raise WangtingError("校验和与清单不符", place=where, mend="请来源重新发送该文件")
        if self.rows is not None and self.rows != rows:
            raise WangtingError(
                f"清单说有 {self.rows} 行，实有 {rows} 行", place=where, mend="请来源核对后重新发送"
            )


def is_archive(file: Path) -> bool:
    """By its name: what a workbook is inside, is a ZIP archive too."""
    return file.suffix.lower() == ".zip"


def members(file: Path, table: Table, where: str) -> list[tuple[zipfile.ZipInfo, Expected | None]]:
    """The archive's files that are the table's, by name, each with what the archive's own list says of it.

    Raises:
        WangtingError: damaged, encrypted, without such files, or with one that the list does not have.
    """
    try:
        with _opened(file) as archive:
            inside = [one for one in archive.infolist() if not one.is_dir()]
            listed: dict[str, Expected] | None = None
            lists: list[zipfile.ZipInfo] = []
            if table.manifest is not None:
                lists = [one for one in inside if matches(one.filename, table.manifest.file)]
                if lists:
                    listed = {}
                for one in lists:
                    _refuse_encrypted(one, where)
                    listed = (listed or {}) | manifest(archive.read(one), one.filename, table.manifest, where)
    except _DAMAGED as error:
        raise _damaged(error, file, where) from None
    wanted = sorted(
        (one for one in inside if one not in lists and matches(one.filename, table.members or "*")),
        key=lambda one: one.filename,
    )
    if listed is None and table.manifest is not None and table.members is not None:
        raise WangtingError(
            f"压缩包中没有清单 {table.manifest.file}", place=where, mend="请来源连同清单重新发送"
        )
    for name in listed or {}:
        if matches(name, table.members or "*") and not any(same(one.filename, name) for one in wanted):
            raise WangtingError(f"清单中的 {name} 不在压缩包里", place=where, mend="请来源重新发送")
    if not wanted:
        raise WangtingError(
            f"压缩包中没有 {table.members or '文件'}", place=where, mend="请来源重新发送，或改正 members"
        )
    found: list[tuple[zipfile.ZipInfo, Expected | None]] = []
    for one in wanted:
        _refuse_encrypted(one, where)
        expected = None if listed is None else lookup(listed, one.filename)
        if listed is not None and expected is None:
            raise WangtingError(f"清单中没有 {one.filename}", place=where, mend="请来源连同清单重新发送")
        found.append((one, expected))
    return found


@contextmanager
def unpacked(file: Path, member: zipfile.ZipInfo, folder: Path, where: str) -> Iterator[tuple[Path, str]]:
    """One file of an archive, for as long as it is read, and the SHA-256 of its bytes.

    Raises:
        WangtingError: damaged.
    """
    target = folder / f"member{PurePosixPath(member.filename).suffix.lower()}"
    digest = hashlib.sha256()
    try:
        try:
            with _opened(file) as archive, archive.open(member) as content, target.open("wb") as out:
                while piece := content.read(_STEP):
                    digest.update(piece)
                    out.write(piece)
        except _DAMAGED as error:
            raise _damaged(error, file, where) from None
        yield target, digest.hexdigest()
    finally:
        target.unlink(missing_ok=True)


def manifest(content: bytes, name: str, about: Manifest, where: str) -> dict[str, Expected]:
    """What a list says: file name → expectation.

    Raises:
        WangtingError: the list cannot be read.
    """
    where = f"{where} {name}"
    try:
        kind = PurePosixPath(name).suffix.lower()
        if kind == ".xml":
            entries = _of_xml(content, about.name)
        elif kind == ".json":
            entries = _of_json(json.loads(_text(content)), about.name)
        else:
            entries = list(csv.DictReader(io.StringIO(_text(content), newline="")))
        found: dict[str, Expected] = {}
        for entry in entries:
            given = {
                str(key).strip(): str(value).strip() for key, value in entry.items() if value is not None
            }
            if not given.get(about.name):
                continue
            rows = given.get(about.rows or "", "")
            found[given[about.name]] = Expected(
                int(rows) if rows else None, given.get(about.sha256 or "", "") or None
            )
    except (ValueError, ElementTree.ParseError, csv.Error):
        raise WangtingError("清单无法读取", place=where, mend="请来源重新发送清单") from None
    if not found:
        raise WangtingError(
            f"清单中没有 {about.name} 一列或没有内容", place=where, mend="请来源核对清单，或改正 manifest"
        )
    return found


def beside(folder: Path, file: Path, table: Table, where: str) -> tuple[Expected | None, str]:
    """What the newest list beside a file says of it, and the list's name; empty: no list is promised beside.

    Raises:
        WangtingError: the list cannot be read.
    """
    if table.manifest is None:
        return None, ""
    said: Expected | None = None
    for one in sorted(
        folder.rglob(table.manifest.file), key=lambda each: (each.stat().st_mtime_ns, each.name)
    ):
        listed = manifest(one.read_bytes(), one.name, table.manifest, where)
        said = lookup(listed, file.relative_to(folder).as_posix()) or said
    return said, table.manifest.file


def lookup(listed: dict[str, Expected], name: str) -> Expected | None:
    """What a list says of a file that it may call with or without folders."""
    return listed.get(name) or next((said for called, said in listed.items() if same(called, name)), None)


def same(one: str, other: str) -> bool:
    """Whether two names mean one file."""
    return one == other or PurePosixPath(one.replace("\\", "/")).name == PurePosixPath(other).name


def matches(name: str, pattern: str) -> bool:
    """Whether a file in an archive is called so, with or without its folders."""
    return fnmatch.fnmatchcase(name, pattern) or fnmatch.fnmatchcase(PurePosixPath(name).name, pattern)


def _opened(file: Path) -> zipfile.ZipFile:
    try:
        # Names are GBK on the machines that pack here, unless the archive says UTF-8 itself.
        return zipfile.ZipFile(file, metadata_encoding="gb18030")
    except UnicodeDecodeError:
        return zipfile.ZipFile(file)


def _refuse_encrypted(member: zipfile.ZipInfo, where: str) -> None:
    if member.flag_bits & _ENCRYPTED:
        raise WangtingError("压缩包加了密码", place=where, mend="请来源不加密码重新发送")


def _damaged(error: BaseException, file: Path, where: str) -> WangtingError:
    if disk.is_full(error):
        return disk.full()
    about = "文件是空的" if file.stat().st_size == 0 else "压缩包已损坏"
    return WangtingError(about, place=where, mend="请来源重新发送")


def _text(content: bytes) -> str:
    for encoding in ("utf-16",) if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise ValueError("encoding")


def _of_json(body: Any, name: str) -> list[dict[str, Any]]:
    """The objects that have the name, wherever they stand."""
    if isinstance(body, dict):
        if name in body:
            return [body]
        body = list(body.values())
    return [entry for one in body for entry in _of_json(one, name)] if isinstance(body, list) else []


def _of_xml(content: bytes, name: str) -> list[dict[str, str]]:
    parser = ElementTree.XMLParser(encoding="utf-8")
    entries = []
    for element in ElementTree.fromstring(_text(content).encode(), parser).iter():
        entry = {key.rpartition("}")[2]: value for key, value in element.attrib.items()}
        entry |= {child.tag.rpartition("}")[2]: child.text or "" for child in element}
        if name in entry:
            entries.append(entry)
    return entries
