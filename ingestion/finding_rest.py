"""What does a REST interface hand out? One small page of each path: where its rows stand, and how it turns pages."""

from collections.abc import Mapping
from typing import Any

from ingestion.connecting import UnreachableError, place
from ingestion.finding_files import of_objects, records_in
from ingestion.found import Found
from ingestion.naming import plain_name
from ingestion.web import Web
from wangting.errors import WangtingError
from wangting.source_spec import Source

_SIZE = 5  # rows of the page that shows how the pages are turned
_SAMPLE = 200  # rows of the page that is looked at
_PAGES = (("page", "size"), ("page", "page_size"), ("pageNo", "pageSize"), ("pageNum", "pageSize"))
_OFFSETS = (("offset", "limit"), ("start", "count"))
_TOTALS = ("total", "totalcount", "total_count", "count", "totalelements", "recordcount")
_CURSORS = ("next_cursor", "nextcursor", "cursor", "next", "scroll_id", "next_token")
_LINKS = ("next", "next_url", "nextlink", "next_link")


def find(source: Source, wanted: Mapping[str, str]) -> list[Found]:
    """A table for each path.

    Args:
        source: url and token are used.
        wanted: name of the table → path; the name may be empty.

    Raises:
        WangtingError: no path is given, or an answer is no JSON with rows.
    """
    if not wanted:
        raise WangtingError(
            "REST 接口没有表目录可查",
            place=place(source),
            mend="用 --table 名称=/路径 写明要接的接口，可写多次",
        )
    web = Web(source)
    try:
        return [_look(web, source, name, path) for name, path in wanted.items()]
    finally:
        web.close()


def _look(web: Web, source: Source, name: str, path: str) -> Found:
    where = f"{place(source)} {path}"
    first, rows_at, rows = _first(web, path, where)
    paging, note = _paging(web, path, where, first, rows_at, rows)
    size = paging.get("size", "size")
    if len(rows) < _SAMPLE:
        start = {"page": {paging["page"]: "1"}, "offset": {paging["page"]: "0"}}.get(paging["by"], {})
        _, _, more = _page(web, path, where, {**start, size: str(_SAMPLE)})
        rows = more if len(more) > len(rows) else rows
    found = of_objects(rows)
    found.name = plain_name(name or path.rstrip("/").rpartition("/")[2]) or "rows"
    found.options = {"path": path, "page_size": _SAMPLE}
    usual = {"by": "page", "page": "page", "size": "size", "rows": "data", "total": "total", "next": None}
    if differs := {key: value for key, value in paging.items() if value != usual[key]}:
        found.options["paging"] = differs
    total = _flat(first).get(paging["total"] or "")
    found.rows = int(total) if isinstance(total, int) else None
    found.notes += note
    if found.cursors:
        found.notes.append("若接口支持按更新时间取数，请写上 since（参数名），否则每次都取全部")
    return found


def _first(web: Web, path: str, where: str) -> tuple[Any, str, list[dict[str, Any]]]:
    """The first page, under whichever names the interface insists on; most ignore what they do not know."""
    told: WangtingError | None = None
    ways = [{page: "1", size: str(_SAMPLE)} for page, size in _PAGES]
    for asked in (*ways, {"offset": "0", "limit": str(_SAMPLE)}, {}):
        try:
            return _page(web, path, where, asked)
        except UnreachableError:
            raise
        except WangtingError as error:
            told = told or error
    assert told is not None  # every way was tried
    raise told


def _page(web: Web, path: str, where: str, asked: dict[str, str]) -> tuple[Any, str, list[dict[str, Any]]]:
    answer = web.get(path, where, parameters=asked)
    try:
        body = answer.json()
    except ValueError:
        raise WangtingError(
            "返回的不是 JSON", place=where, mend="请来源检查该接口（常见于维护页或登录页）"
        ) from None
    found = records_in(body)
    if found is None:
        raise WangtingError(
            "返回中没有成列的记录", place=where, mend="核对路径；空接口请来源放入样例数据后再试"
        )
    return body, *found


def _paging(
    web: Web, path: str, where: str, first: Any, rows_at: str, rows: list[dict[str, Any]]
) -> tuple[dict[str, Any], list[str]]:
    """How the pages are turned, as the declaration words it, by trying; and what could not be found out."""
    known: dict[str, Any] = {
        "by": "page",
        "page": "page",
        "size": "size",
        "rows": rows_at,
        "total": _named(first, _TOTALS, int),
        "next": None,
    }
    small = str(_SIZE)
    for by, pairs, start, then in (("page", _PAGES, "1", "2"), ("offset", _OFFSETS, "0", small)):
        for page, size in pairs:
            one = _tried(web, path, where, {page: start, size: small})
            two = _tried(web, path, where, {page: then, size: small})
            if one and two and len(one[1]) == _SIZE and two[1] and two[1] != one[1]:
                return {**known, "by": by, "page": page, "size": size}, []
    for size in dict.fromkeys(size for _, size in (*_PAGES, *_OFFSETS)):
        one = _tried(web, path, where, {size: small})
        if one is None or len(one[1]) != _SIZE:
            continue
        link = _named(one[0], _LINKS, str)
        if link and str(_flat(one[0])[link]).startswith(("http", "/", "?")):
            return {**known, "by": "link", "size": size, "next": link}, []
        if mark := _named(one[0], _CURSORS, (str, int)):
            for page in ("cursor", "after", "next", mark.rpartition(".")[2]):
                two = _tried(web, path, where, {page: str(_flat(one[0])[mark]), size: small})
                if two and two[1] and two[1] != one[1]:
                    return {**known, "by": "cursor", "page": page, "size": size, "next": mark}, []
    if known["total"] and _flat(first)[known["total"]] == len(rows):
        return known, []  # all of it came at once
    return known, ["没有试出分页参数，请按接口说明改正 paging"]


def _tried(web: Web, path: str, where: str, asked: dict[str, str]) -> tuple[Any, list[dict[str, Any]]] | None:
    """(answer, rows) of a guess; None where the interface will not have it."""
    try:
        body, _, rows = _page(web, path, where, asked)
    except UnreachableError:
        raise
    except WangtingError:
        return None
    return body, rows


def _named(body: Any, names: tuple[str, ...], kind: type | tuple[type, ...]) -> str | None:
    """Where an answer has a value of this type under one of these names."""
    flat = _flat(body)
    return next(
        (
            at
            for at, value in flat.items()
            if value and at.rpartition(".")[2].lower() in names and isinstance(value, kind)
        ),
        None,
    )


def _flat(body: Any, at: str = "") -> dict[str, Any]:
    if not isinstance(body, dict):
        return {}
    found: dict[str, Any] = {}
    for name, value in body.items():
        whole = f"{at}.{name}" if at else str(name)
        found |= _flat(value, whole) if isinstance(value, dict) else {whole: value}
    return found
