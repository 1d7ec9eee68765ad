"""Which secrets does an installation have? Given by the environment or as files, otherwise made once and kept.

`python -m operation.keys FOLDER` writes those that docker-compose.yml names, each to a file of its own.
"""

import base64
import os
import secrets
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from wangting import settings
from wangting.errors import WangtingError


def _drawn() -> str:
    # 32 bytes in this very form are what Fernet takes; for the others any text would do.
    return base64.urlsafe_b64encode(os.urandom(32)).decode()


def _url(user: str, driver: str = "postgresql+psycopg") -> str:
    return f"{driver}://{user}:{secrets.token_hex(24)}@postgres:5432/{user}"


# What docker-compose.yml wants as a file, by the names of the variables that they stand for.
OF_CONTAINERS: dict[str, Callable[[], str]] = {
    "POSTGRES_PASSWORD": lambda: secrets.token_hex(24),
    "WANGTING_AIRFLOW_DATABASE_URL": lambda: _url("airflow"),
    "WANGTING_SUPERSET_DB": lambda: _url("superset", "postgresql+psycopg2"),
    "WANGTING_LEDGER_URL": lambda: _url("ledger", "postgresql"),
    "WANGTING_PSEUDONYM_KEY": lambda: secrets.token_hex(32),
    "WANGTING_AIRFLOW_JWT_SECRET": _drawn,
    "WANGTING_AIRFLOW_API_SECRET": _drawn,
    "WANGTING_AIRFLOW_FERNET_KEY": _drawn,
    "WANGTING_AIRFLOW_PASSWORD": lambda: secrets.token_urlsafe(18),
    "WANGTING_SUPERSET_SECRET": _drawn,
    "WANGTING_SUPERSET_ADMIN_PASSWORD": lambda: secrets.token_urlsafe(18),
}


def kept(name: str) -> str:
    """A secret: what the environment or its file gives, otherwise drawn once and kept in the home's `keys/` (0600)."""
    if told := settings.given(name):
        return told
    return _once(file_of(name), _drawn(), 0o600)


def file_of(name: str) -> Path:
    """Where `kept` keeps a secret that nobody gives."""
    return settings.home() / "keys" / name.removeprefix("WANGTING_").lower().replace("_", "-")


def _once(file: Path, text: str, mode: int) -> str:
    """Write a file where there is none yet; what it then holds. Of several at once only the first can."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not file.exists():
        draft = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
        draft.touch(mode=0o600)
        try:
            draft.write_text(f"{text}\n", "utf-8")
            draft.chmod(mode)
            with suppress(FileExistsError):
                os.link(draft, file)
        finally:
            draft.unlink()
    return file.read_text("utf-8").strip()


def write(folder: Path) -> list[Path]:
    """Write what the containers want, leaving alone what is there.

    The files can be read by everybody, because a container's user is another than the host's; the folder that they
    stand in can be entered by its owner alone.

    Returns:
        the files that are new.
    """
    os.umask(0o077)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    new = [name for name in OF_CONTAINERS if not (folder / name.lower()).exists()]
    for name in new:
        _once(folder / name.lower(), OF_CONTAINERS[name](), 0o444)
    return [folder / name.lower() for name in new]


def main() -> None:
    """Write the secrets into the folder that is named."""
    if len(sys.argv) != 2:
        raise SystemExit(
            f"错误：{WangtingError('要写明存放密文的目录', mend='例如 python -m operation.keys secrets')}"
        )
    new = write(Path(sys.argv[1]))
    sys.stdout.write(f"新建 {len(new)} 个密文文件；已有的没有改动：{Path(sys.argv[1]).absolute()}\n")


if __name__ == "__main__":
    main()
