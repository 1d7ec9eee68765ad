"""Paged REST services: every page is kept as it came, then DuckDB lands them all at once."""

import gzip
import time
from collections.abc import Iterator
from datetime import datetime
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import httpx

from ingestion import landing
from ingestion.columns import quoted
from ingestion.connecting import Extract, UnreachableError, place
from ingestion.windows import Load
from wangting import settings
from wangting.engine import literal
from wangting.errors import WangtingError
from wangting.site import current_site
from wangting.source_spec import Source

WAITS = (0.2, 0.5, 1.0, 2.0)  # seconds before each further try
_LONGEST_WAIT = 30.0  # seconds; what a Retry-After may ask for at most
_TIMEOUT = httpx.Timeout(30.0, connect=10.0)
_MOVING = 3  # how often the pages are read anew when rows move while turning them


class Rest:
    """One service: a token, then pages of `{"total", "page", "size", "data"}`."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._client: httpx.Client | None = None
        self._token: tuple[str, float] | None = None  # (token, monotonic time at which it expires)

    def extract(self, connection: duckdb.DuckDBPyConnection, load: Load) -> Extract:
        """The pages of everything changed since the window's beginning, all values as text."""
        seen: dict[str, None] = {}
        for _ in range(_MOVING):
            folder = landing.clear_raw(load)
            seen, rows, keys, total, longest = {}, 0, set(), 0, 0
            for number, (content, body) in enumerate(self._pages(load), 1):
                longest = max(longest, len(content))
                with gzip.GzipFile(
                    folder / f"page-{number:05d}.json.gz", "wb", compresslevel=1, mtime=0
                ) as page:
                    page.write(content)
                total = int(body.get("total", 0))
                for row in body["data"]:
                    seen.update(dict.fromkeys(row))
                    keys.add(hash(tuple(str(row.get(name)) for name in load.table.key)))
                rows += len(body["data"])
                self._refuse_nested(load, body["data"])
            # A row changed meanwhile moves to the end and pushes another over a page's border, out of sight.
            if rows == total and len(keys) == rows:
                break
        else:
            raise WangtingError(
                f"翻页期间数据一直在变（应有 {total} 行，取到 {len(keys)} 行）",
                place=place(self._source, load.name),
                mend="稍后再试；若总是如此，请来源核对 total 与主键",
            )
        present = dict.fromkeys(seen or load.table.columns, "VARCHAR")
        row = ", ".join(f"{quoted(name)} VARCHAR" for name in present)
        return Extract(
            f"(SELECT one.* FROM (SELECT unnest(data) AS one FROM read_json({literal(folder / '*.json.gz')}, "
            f"format = 'unstructured', columns = {{data: {literal(f'STRUCT({row})[]')}}}, "
            f"maximum_object_size = {max(longest * 2, 1 << 20)})))",
            present,
        )

    def close(self) -> None:
        """End the HTTP session."""
        if self._client is not None:
            self._client.close()

    def _pages(self, load: Load) -> Iterator[tuple[bytes, dict[str, Any]]]:
        table, rows = load.table, 0
        assert table.path is not None  # the declaration requires it
        for number in count(1):
            asked: dict[str, str | int] = {"page": number, "size": table.page_size}
            if load.low is not None and table.since:
                asked[table.since] = self._local(load.low)
            answer = self._get(table.path, asked, place(self._source, load.name))
            body = self._body(answer, load, number)
            yield answer.content, body
            rows += len(body["data"])
            if not body["data"] or rows >= int(body.get("total", 0)):
                return

    def _body(self, answer: httpx.Response, load: Load, number: int) -> dict[str, Any]:
        where = place(self._source, load.name, f"第 {number} 页")
        try:
            body = answer.json()
        except ValueError:
            raise WangtingError(
                "返回的不是 JSON", place=where, mend="请来源检查该接口（常见于维护页或登录页）"
            ) from None
        if (
            not isinstance(body, dict)
            or not isinstance(body.get("total"), int)
            or not _are_rows(body.get("data"))
        ):
            raise WangtingError("JSON 中没有 total 或 data", place=where, mend="请来源核对接口格式")
        return body

    def _refuse_nested(self, load: Load, rows: list[dict[str, Any]]) -> None:
        for column in load.table.columns:
            wrong = [row for row in rows if isinstance(row.get(column), dict | list)]
            if wrong:
                keys = "、".join("|".join(str(row.get(name)) for name in load.table.key) for row in wrong[:3])
                raise WangtingError(
                    f"列 {column} 应为 {load.table.columns[column]}，有 {len(wrong)} 个值是对象或列表"
                    f"（{'|'.join(load.table.key)} 为 {keys}）",
                    place=place(self._source, load.name),
                    mend="请来源更正这些值",
                )

    def _get(self, path: str, asked: dict[str, str | int], where: str) -> httpx.Response:
        answer = self._request("GET", path, where, params=asked, headers=self._authorised())
        if answer.status_code == 401 and self._source.token:
            self._token = None  # it may have expired earlier than it said: once more with a new one
            answer = self._request("GET", path, where, params=asked, headers=self._authorised())
        if answer.status_code in (401, 403):
            raise UnreachableError(
                f"访问被拒绝（HTTP {answer.status_code}）", place=where, mend="检查接口授权和客户端密钥"
            )
        if answer.status_code != 200:
            raise WangtingError(f"接口返回 HTTP {answer.status_code}", place=where, mend="请来源检查该接口")
        return answer

    def _authorised(self) -> dict[str, str]:
        if self._source.token is None:
            return {}
        if self._token is None or self._token[1] <= time.monotonic():
            self._token = self._new_token(self._source.token)
        return {"Authorization": f"Bearer {self._token[0]}"}

    def _new_token(self, about: Any) -> tuple[str, float]:
        where = place(self._source, file=about.get("path", "/token"))
        client = {name: settings.resolve(about[name], place=where) for name in ("client_id", "client_secret")}
        answer = self._request("POST", about.get("path", "/token"), where, json=client)
        if answer.status_code in (400, 401, 403):
            raise UnreachableError(
                "客户端标识或密钥被拒绝", place=where, mend="检查 client_id 与 client_secret 的环境变量"
            )
        try:
            body = answer.json()
            return str(body["access_token"]), time.monotonic() + float(body.get("expires_in", 60)) * 0.9
        except (ValueError, KeyError, TypeError):
            raise WangtingError("令牌接口的返回无法识别", place=where, mend="请来源检查令牌接口") from None

    def _request(self, method: str, path: str, where: str, **about: Any) -> httpx.Response:
        """One request; time-outs, 429 and 5xx are tried again after a short wait."""
        if self._client is None:
            address = settings.resolve(self._source.url, place=place(self._source))
            # The city's systems are on its own network: no proxy from the environment.
            self._client = httpx.Client(base_url=address.rstrip("/"), timeout=_TIMEOUT, trust_env=False)
        failure = ""
        for wait in (*WAITS, None):
            asked = 0.0
            try:
                answer = self._client.request(method, path, **about)
            except (httpx.TransportError, httpx.InvalidURL) as error:
                failure = f"连不上来源（{type(error).__name__}）"
            else:
                if answer.status_code != 429 and answer.status_code < 500:
                    return answer
                failure = f"接口连续返回 HTTP {answer.status_code}"
                after = answer.headers.get("Retry-After", "")
                asked = min(float(after), _LONGEST_WAIT) if after.isdigit() else 0.0
            if wait is not None:
                time.sleep(
                    max(wait, asked)
                )  # a real server needs real time, whatever the simulated clock shows
        raise UnreachableError(failure, place=where, mend="检查来源是否在运行，稍后再试")

    def _local(self, moment: datetime) -> str:
        there = moment.replace(tzinfo=ZoneInfo(current_site().zone)).astimezone(ZoneInfo(self._source.zone))
        return there.replace(tzinfo=None).isoformat()


def _are_rows(data: Any) -> bool:
    return isinstance(data, list) and all(isinstance(row, dict) for row in data)
