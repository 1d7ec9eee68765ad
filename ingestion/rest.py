"""Paged REST services: every page is kept as it came, then DuckDB lands them all at once."""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count, pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import httpx

from ingestion import json_rows, landing
from ingestion.connecting import Extract, place
from ingestion.json_rows import found
from ingestion.web import Web
from ingestion.windows import Load
from wangting.errors import WangtingError
from wangting.site import current_site
from wangting.source_spec import Source, Table

_MOVING = 3  # how often the pages are read anew when rows move while turning them
_EARLIEST = datetime(2000, 1, 1)  # where a service begins that wants to be asked span by span
_PAGES = "*.json.gz"


@dataclass
class Page:
    """One answer."""

    content: bytes
    rows: list[dict[str, Any]]
    total: int | None


@dataclass
class Turned:
    """What all pages of a request together hold."""

    names: dict[str, None] = field(default_factory=dict)
    keys: set[int] = field(default_factory=set)
    rows: int = 0
    total: int | None = None
    longest: int = 0
    mixed: dict[str, list[dict[str, Any]]] = field(
        default_factory=dict
    )  # column → rows with a list or object there
    plain: set[str] = field(default_factory=set)  # columns that also hold texts, numbers …

    def add(self, page: Page, table: Table) -> None:
        """Count a page in."""
        self.longest = max(self.longest, len(page.content))
        self.rows += len(page.rows)
        shape: Any = None
        for row in page.rows:
            if (names := row.keys()) != shape:
                shape = names
                self.names.update(dict.fromkeys(names))
            self.keys.add(hash(tuple([str(row.get(name)) for name in table.key])))
        # A row has one brace, its page a few: where there are no more, nothing is nested.
        if page.content.count(b"{") > len(page.rows) + 1 or page.content.count(b"[") > 1:
            self._look_inside(page, table)

    def _look_inside(self, page: Page, table: Table) -> None:
        for row in page.rows:
            for name in table.columns:
                value = row.get(name)
                if isinstance(value, dict | list):
                    self.mixed.setdefault(name, []).append(row)
                elif value is not None:
                    self.plain.add(name)

    def is_whole(self, of_pages: bool) -> bool:
        """Nothing moved over a page's border while the pages were turned."""
        return self.rows == (self.rows if self.total is None else self.total) and (
            len(self.keys) == self.rows or not of_pages
        )


class Rest:
    """One service."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._web = Web(source)

    def extract(self, connection: duckdb.DuckDBPyConnection, load: Load) -> Extract:
        """The pages of everything changed in the window, all values as text."""
        windows = self._windows(load)
        folder = landing.clear_raw(load)
        number, seen = 0, Turned()
        for since, until in windows:
            for _ in range(_MOVING):
                turned, last = Turned(), number
                for page in self._pages(load, since, until):
                    last += 1
                    _keep(page, folder / f"page-{last:05d}.json.gz")
                    turned.add(page, load.table)
                # A row changed meanwhile moves to the end and pushes another over a page's border, out of sight.
                if turned.is_whole(load.table.paging.by in ("page", "offset")):
                    break
                for one in range(number + 1, last + 1):
                    (folder / f"page-{one:05d}.json.gz").unlink()
            else:
                raise WangtingError(
                    f"翻页期间数据一直在变（应有 {turned.total or turned.rows} 行，取到 {len(turned.keys)} 行）",
                    place=place(self._source, load.name),
                    mend="稍后再试；若总是如此，请来源核对 total 与主键",
                )
            self._refuse_mixed(load, turned)
            number = last
            seen.names.update(turned.names)
            seen.longest = max(seen.longest, turned.longest)
        return _relation(folder, load, seen, is_once=len(windows) == 1)

    def replay(self, connection: duckdb.DuckDBPyConnection, load: Load) -> Extract:
        """The same from the pages that were kept when a load was made.

        Raises:
            WangtingError: they are kept no more.
        """
        pages = sorted(load.raw.glob(_PAGES))
        if not pages:
            raise WangtingError(
                "原始数据已不在", place=place(self._source, load.name, load.load_id), mend="改用重新抽取"
            )
        seen = Turned()
        for number, page in enumerate(pages, 1):
            content = gzip.decompress(page.read_bytes())
            seen.add(self._page(content, load, number, "application/json"), load.table)
        return _relation(load.raw, load, seen, is_once=load.table.span is None)

    def close(self) -> None:
        """End the HTTP session."""
        self._web.close()

    def _windows(self, load: Load) -> list[tuple[datetime | None, datetime]]:
        """The load's window, in pieces where the service answers no more at once; a border is in both of its pieces."""
        if load.table.span is None:
            return [(load.low, load.high)]
        borders = [load.low or _EARLIEST]
        while borders[-1] + load.table.span < load.high:
            borders.append(borders[-1] + load.table.span)
        return [*pairwise([*borders, load.high])]

    def _pages(self, load: Load, since: datetime | None, until: datetime) -> Iterator[Page]:
        table, paging = load.table, load.table.paging
        assert table.path is not None  # the declaration requires it
        asked = {**table.parameters, paging.size: str(table.page_size)}
        if table.since and since is not None:
            asked[table.since] = self._local(since)
        if table.until:
            asked[table.until] = self._local(until)
        address, rows, before = table.path, 0, b""
        for number in count(1):
            where = place(self._source, load.name, f"第 {number} 页")
            if paging.by == "page":
                asked[paging.page] = str(number)
            elif paging.by == "offset":
                asked[paging.page] = str(rows)
            answer = self._web.get(address, where, parameters=asked)
            page = self._page(answer.content, load, number, answer.headers.get("Content-Type", ""))
            if paging.by in ("page", "offset"):
                # Without a total only an empty page, or the last one once more, tells the end: a service that gives
                # out fewer rows a page than it is asked for would otherwise lose all the others.
                if number > 1 and page.total is None and page.content == before:
                    return
                before = page.content
                yield page
                rows += len(page.rows)
                if not page.rows or (page.total is not None and rows >= page.total):
                    return
                continue
            yield page
            onward = self._onward(answer, page, load, where)
            if onward is None:
                return
            if onward in (address, asked.get(paging.page)):
                if not page.rows:
                    return
                raise WangtingError("翻页没有前进，下一页还是这一页", place=where, mend="请来源检查该接口")
            if paging.by == "cursor":
                asked[paging.page] = onward
            else:
                address, asked = onward, {}

    def _onward(self, answer: httpx.Response, page: Page, load: Load, where: str) -> str | None:
        """The next cursor, or the next page's whole address; None: this was the last."""
        paging = load.table.paging
        if paging.next is None:
            told = answer.links.get("next", {}).get("url")
        else:
            told = found(json.loads(page.content), paging.next)
        if told in (None, "", False):
            return None
        if paging.by == "cursor":
            return str(told)
        onward = answer.url.join(str(told))
        # Whoever is asked gets our token: never another host, whatever a page says.
        if (onward.scheme, onward.host, onward.port) != (answer.url.scheme, answer.url.host, answer.url.port):
            raise WangtingError(
                f"下一页的地址指向别的主机（{onward.host}）", place=where, mend="请来源改正接口返回的地址"
            )
        return str(onward)

    def _page(self, content: bytes, load: Load, number: int, kind: str) -> Page:
        where = place(self._source, load.name, f"第 {number} 页")
        paging = load.table.paging
        content = _in_utf8(content)
        try:
            body = json.loads(content)
        except ValueError:
            raise WangtingError(
                "返回的不是 JSON", place=where, mend="请来源检查该接口（常见于维护页或登录页）"
            ) from None
        rows = found(body, paging.rows)
        total = found(body, paging.total) if paging.total else None
        if isinstance(total, str) and total.isdigit():
            total = int(total)
        promised = paging.total is not None and paging.by in ("page", "offset")
        if not _are_rows(rows) or (promised and not isinstance(total, int)):
            names = " 或 ".join([*([str(paging.total)] if promised else []), paging.rows or "列表"])
            raise WangtingError(f"JSON 中没有 {names}", place=where, mend="请来源核对接口格式")
        return Page(content, rows, total if isinstance(total, int) else None)

    def _refuse_mixed(self, load: Load, turned: Turned) -> None:
        for column, wrong in turned.mixed.items():
            if load.table.columns[column] != "string" or column in turned.plain:
                keys = "、".join("|".join(str(row.get(name)) for name in load.table.key) for row in wrong[:3])
                raise WangtingError(
                    f"列 {column} 应为 {load.table.columns[column]}，有 {len(wrong)} 个值是对象或列表"
                    f"（{'|'.join(load.table.key)} 为 {keys}）",
                    place=place(self._source, load.name),
                    mend="请来源更正这些值",
                )

    def _local(self, moment: datetime) -> str:
        there = moment.replace(tzinfo=ZoneInfo(current_site().zone)).astimezone(ZoneInfo(self._source.zone))
        return there.replace(tzinfo=None).isoformat()


def _relation(folder: Path, load: Load, seen: Turned, *, is_once: bool) -> Extract:
    present = dict.fromkeys(seen.names or load.table.columns, "VARCHAR")
    rows = json_rows.rows(folder / _PAGES, load.table.paging.rows, list(present), seen.longest)
    # A row on the border of two windows was given out in both.
    return Extract(rows if is_once else f"(SELECT DISTINCT * FROM {rows})", present)


def _keep(page: Page, file: Path) -> None:
    with gzip.GzipFile(file, "wb", compresslevel=1, mtime=0) as out:
        out.write(page.content)


def _in_utf8(content: bytes) -> bytes:
    """A page in the one encoding that JSON has; older services send GB 18030 all the same."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding).encode()
        except UnicodeDecodeError:
            continue
    return content


def _are_rows(data: Any) -> bool:
    return isinstance(data, list) and all(isinstance(row, dict) for row in data)
