"""The province's service over HTTP, straight or through the city's sharing platform: submit, read back, page, count."""

import asyncio
import json
import ssl
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

import aiohttp
from yarl import URL

from exchange.messages import Message
from exchange.receivers.answers import BusUnwelcomeError
from exchange.receivers.names import Names, names_of
from exchange.receivers.protocol import Answer, UnwelcomeError
from exchange.receivers.signing import Signer
from exchange.records import RecordType
from wangting import clock, settings
from wangting.errors import WangtingError
from wangting.site import ClientCertificate, Province, Site

_IDLE = 3.0  # seconds; below what servers commonly keep a silent connection open
_BUS_VERSION = "1.0"


class HttpReceiver(ABC):
    """What the dialects over HTTP have in common; a dialect words messages and reads receipts.

    Requests carry `Authorization: Bearer <token>`; through the sharing platform its token, and X-Bus-Version,
    X-Bus-Platform, X-Bus-Account and X-Bus-Timestamp (yyyyMMddHHmmss) besides. Signed requests: see `signing`.
    """

    content_type: str
    answers_at_once = True

    def __init__(self, site: Site, province: Province) -> None:
        place = f"{site.path / 'site.yml'} 的 province"

        def value(text: str) -> str:
            found = settings.resolve(text, place=place)
            if text.startswith("${"):
                self._secrets.append(found)
            return found

        self._secrets: list[str] = []
        self.names = names_of(site, province.aliases)
        self._by_wire = {names.record: (record, names) for record, names in self.names.items()}
        self._via_bus = province.route == "sharing_platform"
        self._bus_headers: dict[str, str] = {}
        if self._via_bus:
            bus = province.sharing_platform
            self._name, address, token = "共享平台", bus.url, bus.token
            self._bus_headers = {
                "X-Bus-Version": _BUS_VERSION,
                "X-Bus-Platform": settings.resolve(bus.platform, place=place),
                "X-Bus-Account": settings.resolve(bus.account, place=place),
            }
        else:
            self._name, address, token = "省平台", province.url, province.token
        self.base = settings.resolve(address, place=place).rstrip("/")
        self.place = f"{self._name} {_shown(self.base, place)}"
        self._token = value(token)
        sign = province.sign
        self._signer = Signer(value(sign.key), value(sign.secret)) if sign else None
        self._tls = _tls(province.tls, place) if province.tls else True
        self._dept = province.dept_code
        self._connections = province.connections
        self.batch = province.batch
        self.breaks_after = max(province.connections, province.breaker.failures)
        self._timeout = aiohttp.ClientTimeout(total=province.timeout.total_seconds())
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._connections, keepalive_timeout=_IDLE, ssl=self._tls),
            timeout=self._timeout,
            headers={
                "Authorization": f"Bearer {self._token}",
                "Content-Type": self.content_type,
                **self._bus_headers,
            },
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._session is not None  # entered before it is left
        await self._session.close()

    def scrub(self, text: str) -> str:
        """A text of the receiver's without the secrets that it may have echoed."""
        for secret in self._secrets:
            if secret and secret in text:
                text = text.replace(secret, "***")
        return text

    @property
    def _open(self) -> aiohttp.ClientSession:
        assert self._session is not None  # used inside the context only
        return self._session

    def _headers(self, method: str, url: URL, body: bytes) -> dict[str, str] | None:
        """What changes from request to request."""
        if self._signer is None and not self._via_bus:
            return None
        now = clock.now()
        headers = {"X-Bus-Timestamp": f"{now:%Y%m%d%H%M%S}"} if self._via_bus else {}
        if self._signer is not None:
            headers |= self._signer.headers(method, url.raw_path_qs, body, now)
        return headers

    async def post(self, address: str, body: bytes) -> tuple[int, bytes] | Answer:
        """The answer's status and content, or why there is none.

        Raises:
            UnwelcomeError: our credentials are not accepted, or there is no such service at the address.
        """
        url = URL(self.base + address, encoded=True)
        try:
            async with self._open.post(
                url, data=body, headers=self._headers("POST", url, body), allow_redirects=False
            ) as response:
                content = await response.read()
                status = response.status
        except TimeoutError:
            return Answer("failure", text="超时，没有回执", was_heard=False)
        except aiohttp.ClientConnectorCertificateError:
            failure = None
        except aiohttp.ClientError as error:
            failure = Answer("failure", text=f"连接失败（{_why(error)}）", was_heard=False)
        else:
            if status in (401, 403, 404, 405):
                raise self._not_ours(status, content)
            return (status, content) if status < 500 else Answer("failure", text=f"HTTP {status}")
        if failure is None:
            raise UnwelcomeError(
                "对方的证书不受信任，没有发出任何内容",
                place=self.place,
                mend="更正 province.tls 中的 authority，或核对地址",
            )
        return failure

    def unwelcome(self, error: BusUnwelcomeError) -> UnwelcomeError:
        """What the bus says of us, as an error for people."""
        return UnwelcomeError(
            f"{error}，停止推送", place=self.place, mend="更正共享平台的地址、平台标识、账号或授权后再推送"
        )

    @abstractmethod
    async def submit(self, messages: Sequence[Message]) -> list[Answer]:
        """See the protocol; a dialect's own."""

    # ---- read back ------------------------------------------------------------------------------------------

    async def look_up(self, messages: Sequence[Message]) -> list[Answer | None]:
        """See the protocol; one request each, side by side."""
        found: list[Answer | None] = [None] * len(messages)
        waiting = iter(range(len(messages)))

        async def work() -> None:
            for position in waiting:
                found[position] = await self._stored(messages[position])

        tasks = [asyncio.create_task(work()) for _ in range(min(self._connections, len(messages)))]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return found

    async def _stored(self, message: Message) -> Answer | None:
        status, content = await self._one(message.record, message.record_key, message.version)
        if status == 404:
            return None
        found = self._undone(_json(content))
        number = found.get("receiptNo")
        said = tuple(str(found.get(name, sent)) for name, sent in _names(message).items())
        if status != 200 or not number or said != tuple(_names(message).values()):
            return Answer("failure", text=f"读回失败（HTTP {status}）")
        return Answer("receipt", 0, str(number), "读回")

    async def read(self, record: str, record_key: str, version: int) -> dict[str, Any] | None:
        """See the protocol."""
        status, content = await self._one(record, record_key, version)
        found = _json(content) if status == 200 else None
        return self._undone(found) if found else None

    async def _one(self, record: str, record_key: str, version: int) -> tuple[int, bytes]:
        query = {
            "tableName": self.names[record].record,
            "identify": record_key,
            "version": str(version),
        }
        return await self._get("/records", query)

    def _undone(self, found: dict[str, Any]) -> dict[str, Any]:
        """A record as read, in the specification's names."""
        known: tuple[str, Names] | None = self._by_wire.get(str(found.get("tableName")))
        if known is None:
            return found
        fields = found.get("fields")
        return {
            **found,
            "tableName": known[0],
            "fields": known[1].undone(fields) if isinstance(fields, dict) else {},
        }

    async def pages(self, record: str, size: int = 1000) -> AsyncIterator[list[dict[str, Any]]]:
        """See the protocol."""
        page, seen, table = 1, 0, self.names[record].record
        while True:
            content = await self._data("/records", {"tableName": table, "page": str(page), "size": str(size)})
            rows = [self._undone(row) for row in content["data"]]
            if rows:
                yield rows
            seen += len(rows)
            if not rows or seen >= content["total"]:
                return
            page += 1

    async def counts(self) -> list[dict[str, Any]]:
        """See the protocol."""
        content = await self._data("/counts", {})
        return [
            {**row, "tableName": self._by_wire.get(row["tableName"], (row["tableName"], None))[0]}
            for row in content["data"]
        ]

    async def is_there(self) -> bool:
        """See the protocol."""
        try:
            status, _ = await self._get("/counts", {})
        except UnwelcomeError:
            return True
        except WangtingError:
            return False
        return status < 500

    async def _data(self, path: str, query: dict[str, str]) -> dict[str, Any]:
        status, content = await self._get(path, query)
        found = _json(content)
        reason = f"HTTP {status}" if status != 200 else "应答不是约定的 JSON"
        if status != 200 or not isinstance(found.get("data"), list):
            raise WangtingError(f"读回失败（{reason}）", place=f"{self.place} {path}", mend="稍后再试")
        return found

    async def _get(self, path: str, query: dict[str, str]) -> tuple[int, bytes]:
        url = URL(f"{self.base}{path}?{urlencode(query)}", encoded=True)
        failure = ""
        try:
            async with self._open.get(
                url, headers=self._headers("GET", url, b""), allow_redirects=False
            ) as response:
                content = await response.read()
        except (TimeoutError, aiohttp.ClientError) as error:
            failure = _why(error)
        if failure:
            raise WangtingError(
                f"连接不上（{failure}）", place=self.place, mend=f"确认{self._name}可用后再试"
            )
        if response.status in (401, 403):
            raise self._not_ours(response.status, content)
        return response.status, content

    def _not_ours(self, status: int, content: bytes) -> UnwelcomeError:
        reasons = _json(content).get("reasonList")
        said = self.scrub("；".join(map(str, reasons)))[:200] if isinstance(reasons, list) else ""
        why = f"HTTP {status}" + (f"：{said}" if said else "")
        if status in (401, 403):
            return UnwelcomeError(
                f"不接受我们的令牌或签名（{why}）",
                place=self.place,
                mend="更正环境变量中的令牌或签名密钥后再推送",
            )
        return UnwelcomeError(
            f"该地址不提供报送服务（HTTP {status}）", place=self.place, mend="更正 province.url 后再推送"
        )

    def wire(self, kind: RecordType) -> Names:
        """The record type in the receiver's words."""
        return self.names[kind.record]


def _names(message: Message) -> dict[str, str]:
    return {
        "tableName": message.record,
        "identify": message.record_key,
        "version": str(message.version),
    }


def _json(content: bytes) -> dict[str, Any]:
    """The content's JSON object; empty where it is none."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _shown(address: str, place: str) -> str:
    """The address, which has nothing secret in it: credentials go in headers.

    Raises:
        WangtingError: it is none, or holds user, password or query; it is not shown then.
    """
    try:
        parts = urlsplit(address)
        is_good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        is_bare = "@" not in parts.netloc and not parts.query and not parts.fragment
    except ValueError:
        is_good = is_bare = False
    if not is_good or not is_bare:
        raise WangtingError(
            "接收方地址不是 http 或 https 地址，或含有用户、口令、参数",
            place=place,
            mend="只写协议、主机、端口和路径；凭据写在令牌中",
        )
    return address


def _tls(files: ClientCertificate, place: str) -> ssl.SSLContext:
    """Trust in the receiver's authority, and our own certificate.

    Raises:
        WangtingError: a file is missing or not what it should be; paths are shown, never content or passwords.
    """

    def path(text: str | None) -> str | None:
        return None if text is None else settings.resolve(text, place=place)

    authority, certificate, key = path(files.authority), path(files.certificate), path(files.key)
    for name in (authority, certificate, key):
        if name is not None and not Path(name).is_file():
            raise WangtingError("证书文件不存在", place=name, mend="更正环境变量中的路径")
    password = path(files.key_password)
    bad = None
    try:
        context = ssl.create_default_context(cafile=authority)
        if certificate is not None:
            # Without a password given, the library would ask at the terminal for one.
            context.load_cert_chain(certificate, key, password or "")
    except (ssl.SSLError, ValueError, OSError):
        bad = certificate or authority
    if bad is not None:
        raise WangtingError("证书或密钥无法使用", place=f"{place}.tls（{bad}）", mend="核对证书、密钥和口令")
    return context


def _why(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "超时"
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "对方中断了连接"
    if isinstance(error, aiohttp.ClientConnectorSSLError):
        return "TLS 握手失败"
    if isinstance(error, aiohttp.ClientConnectorError):
        if isinstance(error.os_error, ConnectionRefusedError):
            return "对方没有在该端口服务"
        return error.os_error.strerror or "无法建立连接"
    return type(error).__name__
