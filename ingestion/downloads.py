"""HTTP download: one file at an address, read like a dropped one; what has not changed is not fetched, or not taken."""

import contextlib
import json
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import duckdb
import httpx

from ingestion import files, intake, landing, windows
from ingestion.connecting import Extract, UnreachableError, place
from ingestion.intake import Intake
from ingestion.web import Web
from ingestion.windows import Load
from wangting.errors import WangtingError
from wangting.source_spec import Source

_REMEMBERED = "unchanged.json"  # beside the loads' raw folders; without it the file is fetched once more


class Downloads:
    """One server with files."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._web = Web(source)
        self._load: Load | None = None

    def extract(self, connection: duckdb.DuckDBPyConnection, load: Load) -> Extract:
        """The lines of the file, where its content was not taken before; in a first or full load all the same."""
        table = load.table
        assert table.path is not None  # the declaration requires it
        where = place(self._source, load.name)
        known, last = (set(), {}) if load.low is None else windows.taken_before(self._source, load.name)
        raw = landing.clear_raw(load)
        found = self._intake(connection, load)
        remembered = raw.parent / _REMEMBERED
        asked = _conditions(remembered, known)
        with self._web.stream(
            table.path, where, parameters=table.parameters, headers=asked, accepted=(304,)
        ) as answer:
            if answer.status_code == 304:
                shutil.rmtree(raw)
                return found.extract()
            name = _name(answer, table.path)
            copy = raw / name
            if answer.headers.get("Content-Type", "").startswith("text/html"):
                raise WangtingError(
                    "下载到的是网页，不是文件", place=where, mend="检查地址（常见于登录页或维护页）"
                )
            try:
                with copy.open("wb") as out:
                    for piece in answer.iter_bytes(1 << 20):
                        out.write(piece)
            except httpx.TransportError as error:
                raise UnreachableError(
                    f"传输中断（{type(error).__name__}）", place=where, mend="检查来源和网络，稍后再试"
                ) from None
            headers = answer.headers
        digest = files.hashed(copy)
        if digest in known and last.get(name, digest) == digest:
            shutil.rmtree(raw)
        else:
            found.take(copy, name, digest)
        # Only what was taken counts as fetched; a file that cannot be read is fetched again until it is mended.
        told = {"digest": digest, "etag": headers.get("ETag"), "modified": headers.get("Last-Modified")}
        remembered.write_text(json.dumps(told), "utf-8")
        return found.extract()

    def replay(self, connection: duckdb.DuckDBPyConnection, load: Load) -> Extract:
        """The lines of the file that was kept."""
        return files.replayed(self._intake(connection, load))

    def close(self) -> None:
        """End the session and remove what was written to read the file."""
        self._web.close()
        if self._load is not None:
            intake.clear(self._load)

    def _intake(self, connection: duckdb.DuckDBPyConnection, load: Load) -> Intake:
        if self._load is not None:
            intake.clear(self._load)  # what was read before has landed
        self._load = load
        return Intake(connection, load)


def _conditions(remembered: Path, known: set[str]) -> dict[str, str]:
    """Headers by which the server may say that nothing changed, where what it would say that of has been taken."""
    told: dict[str, Any] = {}
    with contextlib.suppress(FileNotFoundError, ValueError):
        told = json.loads(remembered.read_text("utf-8"))
    if told.get("digest") not in known:
        return {}
    asked = {"If-None-Match": told.get("etag"), "If-Modified-Since": told.get("modified")}
    return {header: str(value) for header, value in asked.items() if value}


def _name(answer: httpx.Response, path: str) -> str:
    """What the server calls the file, else the last part of its address; never a way to another folder."""
    said = answer.headers.get("Content-Disposition", "")
    name = ""
    for part in said.split(";")[1:]:
        key, _, value = part.strip().partition("=")
        if key.lower() == "filename*":
            name = unquote(value.rpartition("''")[2])
            break
        if key.lower() == "filename":
            name = value.strip('"')
    name = name or unquote(urlsplit(path).path)
    return name.replace("\\", "/").rstrip("/").rpartition("/")[2].lstrip(".") or "file.csv"
