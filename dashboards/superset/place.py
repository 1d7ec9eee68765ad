"""Where Superset keeps its things, and its secrets; the only reader of the environment.

Everything lies in `WANGTING_HOME/superset`, mode 0700. A secret comes from the environment, otherwise it is generated
once and kept in a file of mode 0600.
"""

from __future__ import annotations

import os
import secrets
import sys
from dataclasses import dataclass
from pathlib import Path

# The repository's top, or the image's folder that has `dashboards/`: what must be importable for this package to be
# found.
ROOT = Path(__file__).resolve().parents[2]
WORDS = Path(__file__).with_name("words")


def home() -> Path:
    """The house's state (`WANGTING_HOME`, default `./var`), absolute."""
    return Path(os.environ.get("WANGTING_HOME") or "var").expanduser().absolute()


def folder() -> Path:
    """Superset's own state; made with mode 0700."""
    path = home() / "superset"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.chmod(0o700)
    return path


def marts() -> Path:
    """The file of the current release as a link names it; `real_marts` says which release that is."""
    given = os.environ.get("WANGTING_MARTS")
    return Path(given) if given else home() / "releases" / "current" / "marts.duckdb"


def real_marts() -> Path:
    """The file of the release that is current at this moment, all links followed.

    The folder is resolved once and the file named in it, so that a switch between two questions cannot mix two
    releases.
    """
    return marts().parent.resolve() / marts().name


def rights_file() -> Path:
    """The rights that the bootstrap put in force: roles and datasets as `rights.json` of the bundle has them."""
    return folder() / "rights.json"


def write_secret(path: Path, text: str) -> None:
    """Write a file that only its owner can read, in one step."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    temporary.replace(path)


def given(variable: str) -> str | None:
    """What the environment says, or a file of that name in lower case among a container's secrets; None: neither."""
    if os.environ.get(variable):
        return os.environ[variable]
    file = Path(os.environ.get("WANGTING_SECRETS_DIR") or "/run/secrets") / variable.lower()
    return file.read_text(encoding="utf-8").strip() if file.is_file() else None


def secret(variable: str, name: str) -> tuple[str, bool]:
    """A secret from the environment or from its file, generated at first use. Returns it and whether it is new."""
    if told := given(variable):
        return told, False
    path = folder() / name
    if path.exists():
        return path.read_text(encoding="utf-8").strip(), False
    made = secrets.token_urlsafe(32)
    write_secret(path, made + "\n")
    return made, True


def metadata_url() -> str:
    """Superset's own database: `WANGTING_SUPERSET_DB`, otherwise SQLite in the folder."""
    return (
        given("WANGTING_SUPERSET_DB")
        or f"sqlite:///{folder() / 'superset.db'}?check_same_thread=false&timeout=30"
    )


def yes(variable: str) -> bool:
    """Whether a variable is set to 1, true or yes."""
    return os.environ.get(variable, "").strip().lower() in {"1", "true", "yes"}


@dataclass(frozen=True)
class Server:
    """How the web server runs."""

    host: str
    port: int
    workers: int
    threads: int
    timeout_seconds: int


def server() -> Server:
    """The web server's settings: loopback, unless the environment says otherwise."""
    env = os.environ
    return Server(
        host=env.get("WANGTING_SUPERSET_HOST") or "127.0.0.1",
        port=int(env.get("WANGTING_SUPERSET_PORT") or 8088),
        workers=int(env.get("WANGTING_SUPERSET_WORKERS") or 2),
        threads=int(env.get("WANGTING_SUPERSET_THREADS") or 8),
        timeout_seconds=int(env.get("WANGTING_SUPERSET_TIMEOUT") or 60),
    )


def prepare() -> None:
    """Set what Superset reads when it is first imported. Must come before any import of `superset`."""
    os.umask(0o077)
    os.environ["SUPERSET_CONFIG_PATH"] = str(Path(__file__).with_name("config.py"))
    os.environ["SUPERSET_HOME"] = str(folder())
    os.environ.setdefault("FLASK_APP", "superset.app:create_app()")
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
