"""The province's service over HTTP: submit, read back one record, page through all, counts."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal
from urllib.parse import urlencode

import aiohttp
from yarl import URL

from wangting import settings
from wangting.errors import WangtingError
from wangting.site import Site

_PLACE = "省平台"
_IDLE = 3.0  # seconds; below what servers commonly keep a silent connection open


@dataclass(frozen=True)
class Answer:
    """What came of one submission.

    Attributes:
        kind: receipt (a code came), failure (time-out, refused, 5xx, no receipt in the answer: may be tried again).
        code: the receipt's, 0–4.
        was_heard: somebody answered, whatever it was.
    """

    kind: Literal["receipt", "failure"]
    code: int | None = None
    receipt_no: str | None = None
    text: str | None = None
    was_heard: bool = True


class UnwelcomeError(WangtingError):
    """The service does not take us at all (token, address): no record is to blame."""


class Province:
    """A session with the province; use it as an asynchronous context manager.

    Raises:
        WangtingError: address or token are not set; only names are shown, never values.
    """

    def __init__(self, site: Site) -> None:
        place = f"{site.path / 'site.yml'} 的 province"
        self.base = settings.resolve(site.province.url, place=place).rstrip("/")
        self._token = settings.resolve(site.province.token, place=place)
        self._connections = site.province.connections
        self._timeout = aiohttp.ClientTimeout(total=site.province.timeout.total_seconds())
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> "Province":
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._connections, keepalive_timeout=_IDLE),
            timeout=self._timeout,
            headers={
                "Authorization": f"Bearer {self._token}",
                "Content-Type": "application/xml; charset=utf-8",
            },
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._session is not None  # entered before it is left
        await self._session.close()

    @property
    def _open(self) -> aiohttp.ClientSession:
        assert self._session is not None  # used inside the context only
        return self._session

    async def submit(self, address: str, body: bytes) -> Answer:
        """Send one message. `address` is path and query, already encoded.

        Raises:
            UnwelcomeError: the token is not accepted, or there is no such service at the address.
        """
        try:
            async with self._open.post(URL(self.base + address, encoded=True), data=body) as response:
                content = await response.read()
                status = response.status
        except TimeoutError:
            return Answer("failure", text="超时，没有回执", was_heard=False)
        except aiohttp.ClientError as error:
            return Answer("failure", text=f"连接失败（{_why(error)}）", was_heard=False)
        if status in (401, 403, 404, 405):
            raise self._not_ours(status)
        if status >= 500:
            return Answer("failure", text=f"HTTP {status}")
        return _receipt(status, content)

    async def stored(self, record: str, record_key: str, version: int) -> Answer | None:
        """Read one record back: its receipt, None where the province does not have it, a failure otherwise."""
        status, content = await self._one(record, record_key, version)
        if status == 404:
            return None
        try:
            receipt_no = json.loads(content)["receiptNo"]
        except (ValueError, KeyError, TypeError):
            return Answer("failure", text=f"读回失败（HTTP {status}）")
        return Answer("receipt", 0, str(receipt_no), "读回")

    async def read(self, record: str, record_key: str, version: int) -> dict[str, Any] | None:
        """One stored record as the province has it, with its fields; None where it has none."""
        status, content = await self._one(record, record_key, version)
        found = json.loads(content) if status == 200 else None
        return found if isinstance(found, dict) else None

    async def _one(self, record: str, record_key: str, version: int) -> tuple[int, bytes]:
        query = {"tableName": record, "identify": record_key, "version": str(version)}
        return await self._get("/records", query)

    async def pages(self, record: str, size: int = 1000) -> AsyncIterator[list[dict[str, Any]]]:
        """All stored records of one type, page by page."""
        page, seen = 1, 0
        while True:
            content = await self._json(
                "/records", {"tableName": record, "page": str(page), "size": str(size)}
            )
            rows: list[dict[str, Any]] = content["data"]
            if rows:
                yield rows
            seen += len(rows)
            if not rows or seen >= content["total"]:
                return
            page += 1

    async def counts(self) -> list[dict[str, Any]]:
        """The province's own counts, a row a day, sender and record type."""
        content = await self._json("/counts", {})
        return list(content["data"])

    async def is_there(self) -> bool:
        """Whether anybody answers at all, be it not to a submission."""
        try:
            await self._get("/counts", {})
        except UnwelcomeError:
            return True
        except WangtingError:
            return False
        return True

    async def _json(self, path: str, query: dict[str, str]) -> dict[str, Any]:
        status, content = await self._get(path, query)
        try:
            if status != 200:
                raise ValueError(f"HTTP {status}")
            found = json.loads(content)
            if not isinstance(found, dict) or "data" not in found:
                raise ValueError("应答缺少 data")
        except ValueError as error:
            reason = str(error) if status != 200 else "应答不是约定的 JSON"
            raise WangtingError(f"读回失败（{reason}）", place=f"{_PLACE} {path}", mend="稍后再试") from error
        return found

    async def _get(self, path: str, query: dict[str, str]) -> tuple[int, bytes]:
        try:
            async with self._open.get(URL(f"{self.base}{path}?{urlencode(query)}", encoded=True)) as response:
                content = await response.read()
        except (TimeoutError, aiohttp.ClientError) as error:
            raise WangtingError(
                f"连接不上（{_why(error)}）", place=f"{_PLACE} {self.base}", mend="确认省平台可用后再试"
            ) from error
        if response.status in (401, 403):
            raise self._not_ours(response.status)
        return response.status, content

    def _not_ours(self, status: int) -> UnwelcomeError:
        if status in (401, 403):
            return UnwelcomeError(
                f"不接受我们的令牌（HTTP {status}）",
                place=f"{_PLACE} {self.base}",
                mend="更正环境变量中的令牌后再推送",
            )
        return UnwelcomeError(
            f"该地址不提供报送服务（HTTP {status}）",
            place=f"{_PLACE} {self.base}",
            mend="更正 province.url 后再推送",
        )


def _why(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "超时"
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "对方中断了连接"
    if isinstance(error, aiohttp.ClientConnectorError):
        if isinstance(error.os_error, ConnectionRefusedError):
            return "对方没有在该端口服务"
        return error.os_error.strerror or "无法建立连接"
    return type(error).__name__


def _receipt(status: int, content: bytes) -> Answer:
    """An answer is a receipt only when it says so completely; anything else may be tried again."""
    try:
        found = json.loads(content)
        code = found["code"]
        if isinstance(code, bool) or code not in (0, 1, 2, 3, 4):
            raise ValueError
        reasons = "；".join(str(reason) for reason in found.get("reasonList") or [])
        text = "：".join(part for part in (str(found.get("desc") or ""), reasons) if part)
        number = found.get("receiptNo")
    except (ValueError, KeyError, TypeError, AttributeError):
        return Answer("failure", text=f"应答不是回执（HTTP {status}）")
    if code == 0 and not number:
        return Answer("failure", text="成功回执没有回执号")
    return Answer("receipt", code, str(number) if number else None, text or None)
