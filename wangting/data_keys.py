"""The keys under which personal data are encrypted at rest: named by the environment alone, never shown anywhere."""

import base64
import binascii
import re

from wangting import settings
from wangting.errors import WangtingError

NAME = "WANGTING_DATA_KEY"
FORMER = "WANGTING_DATA_KEY_OLD"
CURRENT = "current"
_BYTES = 32
_HEX = re.compile(r"^[0-9a-fA-F]{64}$")


def known() -> dict[str, str]:
    """Name of a key ('current', 'former_1', …) → the key in base64; empty where the environment has none.

    `WANGTING_DATA_KEY` writes and reads; `WANGTING_DATA_KEY_OLD`, one or more with commas between, only read.

    Raises:
        WangtingError: a key is not 32 bytes in hex or base64; the key itself is not in the error.
    """
    keys = {}
    if current := (settings.given(NAME) or "").strip():
        keys[CURRENT] = _valid(current, NAME)
    former = [each.strip() for each in (settings.given(FORMER) or "").split(",") if each.strip()]
    for number, each in enumerate(former, 1):
        keys[f"former_{number}"] = _valid(each, FORMER)
    return keys


def _valid(text: str, place: str) -> str:
    if _HEX.match(text):
        return base64.b64encode(bytes.fromhex(text)).decode()
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != _BYTES:
        # Without the cause: its words may quote the key.
        raise WangtingError(
            "数据密钥应为 32 字节，写作 64 位十六进制或 base64",
            place=place,
            mend="用 openssl rand -hex 32 生成，由密钥管理或服务的环境给出",
        ) from None
    return base64.b64encode(key).decode()
