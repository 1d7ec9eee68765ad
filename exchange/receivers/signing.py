"""Signed requests: HMAC-SHA256 over what is asked, of whom, when, and with which body.

Headers of a signed request:

| header | is |
|---|---|
| X-Sign-Key | the name of the key, so that the receiver finds the secret |
| X-Sign-Timestamp | yyyyMMddHHmmss, local time of the site's zone |
| X-Sign-Nonce | 32 hexadecimal digits, never the same twice |
| X-Sign-Digest | SHA-256 of the body, hexadecimal; of nothing where there is no body |
| X-Sign | HMAC-SHA256, hexadecimal, by the secret over the five lines below, joined by line feeds, in UTF-8 |

The lines: method; path and query exactly as sent; timestamp; nonce; digest.
"""

import hashlib
import hmac
import secrets
from datetime import datetime


class Signer:
    """Signs requests; its secret is in no text that it gives."""

    def __init__(self, key: str, secret: str) -> None:
        self._key, self._secret = key, secret.encode()

    def headers(self, method: str, target: str, body: bytes, now: datetime) -> dict[str, str]:
        """The headers of a request.

        Args:
            target: path and query as sent.
            now: naive, in the site's zone.
        """
        timestamp, nonce = f"{now:%Y%m%d%H%M%S}", secrets.token_hex(16)
        digest = hashlib.sha256(body).hexdigest()
        lines = "\n".join((method, target, timestamp, nonce, digest))
        return {
            "X-Sign-Key": self._key,
            "X-Sign-Timestamp": timestamp,
            "X-Sign-Nonce": nonce,
            "X-Sign-Digest": digest,
            "X-Sign": hmac.new(self._secret, lines.encode(), hashlib.sha256).hexdigest(),
        }
