"""The province's own check of signed requests, by the published rule: HMAC-SHA256 over five lines.

The lines: method; path and query; X-Sign-Timestamp (yyyyMMddHHmmss, local); X-Sign-Nonce; X-Sign-Digest (SHA-256 of the
body). A request is refused when its clock is off by more than five minutes, or its nonce was seen within that time.
"""

import hashlib
import hmac
from collections import deque
from collections.abc import Mapping
from datetime import datetime, timedelta

from wangting import clock

SKEW = timedelta(minutes=5)


class Verifier:
    """Knows one key and its secret, and the nonces of the last minutes."""

    def __init__(self, key: str, secret: str) -> None:
        self._key, self._secret = key, secret.encode()
        self._seen: set[str] = set()
        self._order: deque[tuple[datetime, str]] = deque()

    def problem(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> str | None:
        """What is wrong with a request's signature, in Chinese; None when nothing is.

        Args:
            target: path and query as they came.
            headers: by lower-case name.
        """
        names = ("x-sign-key", "x-sign-timestamp", "x-sign-nonce", "x-sign-digest", "x-sign")
        key, timestamp, nonce, digest, given = (headers.get(name, "") for name in names)
        if not given:
            return "请求没有签名"
        if key != self._key:
            return "签名密钥的名称不认识"
        try:
            moment = datetime.strptime(timestamp, "%Y%m%d%H%M%S")
        except ValueError:
            return "签名的时间戳格式错误"
        now = clock.now()
        if abs(now - moment) > SKEW:
            return "签名的时间戳超出允许的偏差"
        if digest != hashlib.sha256(body).hexdigest():
            return "报文摘要不符"
        lines = "\n".join((method, target, timestamp, nonce, digest))
        wanted = hmac.new(self._secret, lines.encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(given.encode(), wanted.encode()):
            return "签名不符"
        while self._order and now - self._order[0][0] > 2 * SKEW:
            self._seen.discard(self._order.popleft()[1])
        if not nonce or nonce in self._seen:
            return "签名的随机数已用过"
        self._seen.add(nonce)
        self._order.append((now, nonce))
        return None
