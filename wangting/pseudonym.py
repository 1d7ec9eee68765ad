"""One lasting name for a person or a legal person that tells nobody who it is: a keyed hash of the identifier.

The key is the environment's WANGTING_PSEUDONYM_KEY, or else a file of the home that only its owner reads, made at the
first need. With another key every pseudonym is another; whoever restores a backup needs the key that belongs to it.
"""

import hmac
import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from wangting import settings
from wangting.errors import WangtingError

NAME = "WANGTING_PSEUDONYM_KEY"
_LENGTH = 32  # hex digits: 128 bits, far from any collision of a country's people
_LEAST = 32  # bytes of key, as text or hex


def key() -> bytes:
    """The key, made and kept at the first call where the environment gives none.

    Raises:
        WangtingError: the key given is too short, or the kept one cannot be read.
    """
    given = (settings.given(NAME) or "").strip().encode()
    if given:
        if len(given) < _LEAST:
            raise WangtingError(
                f"假名密钥至少应有 {_LEAST} 个字符",
                place=NAME,
                mend="用 openssl rand -hex 32 生成一次，妥善保存；换了密钥，所有假名都会改变",
            )
        return given
    return _kept(settings.home() / "keys" / "pseudonym.key")


def _kept(file: Path) -> bytes:
    if not file.exists():
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
        draft.touch(mode=0o600)
        try:
            draft.write_text(secrets.token_hex(32), "utf-8")
            with suppress(FileExistsError):
                os.link(draft, file)  # of several at once only the first can
        finally:
            draft.unlink()
    found = file.read_bytes().strip()
    if len(found) < _LEAST:
        raise WangtingError("假名密钥文件不完整", place=str(file), mend="从备份恢复该文件，不要新建")
    return found


def pseudonymous() -> Callable[[str], str]:
    """The function from an identifier to its pseudonym: 32 hex digits; the same for the same key and identifier."""
    prepared = hmac.new(key(), digestmod="sha256")

    def pseudonym(identifier: str) -> str:
        hashed = prepared.copy()
        hashed.update(identifier.encode())
        return hashed.hexdigest()[:_LENGTH]

    return pseudonym
