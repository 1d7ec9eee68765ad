"""One HTTP session with a system: its token, and what is tried again."""

import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any

import httpx

from ingestion.connecting import UnreachableError, place
from wangting import settings
from wangting.errors import WangtingError
from wangting.source_spec import Source

WAITS = (0.2, 0.5, 1.0, 2.0)  # seconds before each further try
LONGEST_WAIT = 60.0  # seconds that a Retry-After may ask for; for more a later run is the right time
_REFUSALS = 10  # how often one request may be put off by 429
_TIMEOUT = httpx.Timeout(30.0, connect=10.0)


@lru_cache(maxsize=1)
def _trusted() -> ssl.SSLContext:
    """Whose certificates count; read once, for it takes longer than most answers."""
    return httpx.create_ssl_context(trust_env=False)


class Web:
    """The session; it asks nothing before the first request."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._client: httpx.Client | None = None
        self._token: tuple[str, float] | None = None  # (token, monotonic time at which it expires)

    def close(self) -> None:
        """End the session."""
        if self._client is not None:
            self._client.close()

    def get(
        self,
        address: str,
        where: str,
        *,
        parameters: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        accepted: tuple[int, ...] = (),
    ) -> httpx.Response:
        """One answer, read whole.

        Args:
            address: below the source's url, or whole.
            accepted: statuses beside 200 that are answers too.

        Raises:
            UnreachableError: nobody answers, not to us, or not now.
            WangtingError: another status.
        """
        with self.stream(address, where, parameters=parameters, headers=headers, accepted=accepted) as answer:
            try:
                answer.read()
            except httpx.TransportError as error:
                raise _broken_off(error, where) from None
            return answer

    @contextmanager
    def stream(
        self,
        address: str,
        where: str,
        *,
        parameters: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        accepted: tuple[int, ...] = (),
    ) -> Iterator[httpx.Response]:
        """The same, its body not read yet."""

        def ask() -> httpx.Response:
            sent = {**(headers or {}), **self._authorised()}
            return self._request("GET", address, where, params=parameters or None, headers=sent)

        answer = ask()
        if answer.status_code == 401 and self._source.token:
            answer.close()
            self._token = None  # it may have expired earlier than it said: once more with a new one
            answer = ask()
        try:
            if answer.status_code in (401, 403):
                raise UnreachableError(
                    f"访问被拒绝（HTTP {answer.status_code}）", place=where, mend="检查接口授权和客户端密钥"
                )
            if answer.status_code != 200 and answer.status_code not in accepted:
                raise WangtingError(
                    f"接口返回 HTTP {answer.status_code}", place=where, mend="请来源检查该接口"
                )
            yield answer
        finally:
            answer.close()

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
        try:
            if answer.status_code in (400, 401, 403):
                raise UnreachableError(
                    "客户端标识或密钥被拒绝", place=where, mend="检查 client_id 与 client_secret 的环境变量"
                )
            answer.read()
            body = answer.json()
            return str(body["access_token"]), time.monotonic() + float(body.get("expires_in", 60)) * 0.9
        except httpx.TransportError as error:
            raise _broken_off(error, where) from None
        except (ValueError, KeyError, TypeError):
            raise WangtingError("令牌接口的返回无法识别", place=where, mend="请来源检查令牌接口") from None
        finally:
            answer.close()

    def _request(self, method: str, address: str, where: str, **about: Any) -> httpx.Response:
        """One request; time-outs, 429 and 5xx are tried again after a wait."""
        if self._client is None:
            base = settings.resolve(self._source.url, place=place(self._source))
            # The city's systems are on its own network: no proxy from the environment.
            self._client = httpx.Client(
                base_url=base.rstrip("/"), timeout=_TIMEOUT, trust_env=False, verify=_trusted()
            )
        failure, put_off = "", 0
        waits = iter((*WAITS, None))
        while True:
            asked = 0.0
            is_put_off = False
            try:
                answer = self._client.send(self._client.build_request(method, address, **about), stream=True)
            except (httpx.TransportError, httpx.InvalidURL) as error:
                failure = f"连不上来源（{type(error).__name__}）"
            else:
                if answer.status_code != 429 and answer.status_code < 500:
                    return answer
                answer.close()
                failure = f"接口连续返回 HTTP {answer.status_code}"
                asked = _seconds(answer.headers)
                is_put_off = answer.status_code == 429 and "Retry-After" in answer.headers
            if asked > LONGEST_WAIT:
                raise UnreachableError(
                    f"来源限流，要求等待 {asked:.0f} 秒", place=where, mend="下次抽取时会接着取，无需处理"
                )
            put_off += is_put_off
            # Who is told when to come again has not failed; but not for ever either.
            wait = WAITS[0] if is_put_off and put_off <= _REFUSALS else next(waits)
            if wait is None:
                raise UnreachableError(failure, place=where, mend="检查来源是否在运行，稍后再试")
            time.sleep(max(wait, asked))  # a real server needs real time, whatever the simulated clock shows


def _seconds(headers: httpx.Headers) -> float:
    """What a Retry-After asks for: a number of seconds, or a moment, which is held against the service's own clock."""
    after = headers.get("Retry-After", "")
    if after.isdigit():
        return float(after)
    try:
        until, now = (parsedate_to_datetime(text) for text in (after, headers.get("Date", "")))
        return float(max(0.0, (until - now).total_seconds()))
    except (ValueError, TypeError):
        return 0.0


def _broken_off(error: httpx.TransportError, where: str) -> UnreachableError:
    return UnreachableError(
        f"传输中断（{type(error).__name__}）", place=where, mend="检查来源和网络，稍后再试"
    )
