"""Where things are and what they are called: everything that the environment may set."""

import json
import os
import re
from datetime import timedelta
from functools import lru_cache
from pathlib import Path

from wangting import airflow_connections
from wangting.errors import WangtingError

REPOSITORY = Path(__file__).resolve().parent.parent
_VARIABLE = re.compile(r"\$\{([A-Z][A-Z0-9_]*)\}")


def home() -> Path:
    """The folder of all state, `WANGTING_HOME` or `./var`; made on first use, open to its owner alone.

    Raises:
        WangtingError: its path has a single quote, which dbt-duckdb puts into its statements as it is.
    """
    folder = Path(os.environ.get("WANGTING_HOME") or "var").absolute()
    if "'" in str(folder):
        raise WangtingError(
            "路径中不能有单引号", place=f"WANGTING_HOME={folder}", mend="换一个目录，或改去单引号"
        )
    _keep_to_ourselves()
    if not folder.exists():
        folder.mkdir(parents=True, mode=0o700)
    return folder


@lru_cache(maxsize=1)
def _keep_to_ourselves() -> None:
    """What this process makes from now on is its owner's alone, whoever starts it and whichever library writes it."""
    os.umask(0o077)


def site_path() -> Path:
    """The active site's folder: `WANGTING_SITE` is a name under sites/ or any path; default chaozhou."""
    wanted = os.environ.get("WANGTING_SITE") or "chaozhou"
    named = REPOSITORY / "sites" / wanted
    folder = named if named.is_dir() else Path(wanted).absolute()
    if not (folder / "site.yml").is_file():
        raise WangtingError(
            "找不到站点目录或其中的 site.yml",
            place=f"WANGTING_SITE={wanted}",
            mend="设为 sites/ 下的名称，或含有 site.yml 的目录",
        )
    return folder


def given(name: str) -> str | None:
    """What the environment says of `name`, or a file of that name in lower case; None: neither.

    The files lie where containers get their secrets, in /run/secrets, or in the folder `WANGTING_SECRETS_DIR`. So a
    secret need not stand in any environment.

    Raises:
        WangtingError: the file is there and cannot be read.
    """
    if name in os.environ:
        return os.environ[name]
    file = Path(os.environ.get("WANGTING_SECRETS_DIR") or "/run/secrets") / name.lower()
    try:
        return file.read_text("utf-8").strip()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeDecodeError):
        raise WangtingError(
            f"读不了 {name} 的密文文件", place=str(file), mend="让运行本系统的用户可以读它"
        ) from None


def ledger_url() -> str:
    """The ledger's SQLAlchemy address: `WANGTING_LEDGER_URL`, or a SQLite file under the home."""
    return given("WANGTING_LEDGER_URL") or f"sqlite:///{home() / 'ledger.sqlite'}"


def memory_limit() -> str:
    """DuckDB's memory limit, `WANGTING_MEMORY` (default 3GB: the whole job fits a 4 GB machine)."""
    return os.environ.get("WANGTING_MEMORY") or "3GB"


def final_after() -> timedelta:
    """How long an acknowledged record stays in the ledger, `WANGTING_FINAL_DAYS` (default 2): a province that loses
    or doubles something does so, in practice, within a day.

    Raises:
        WangtingError: it is no number of days.
    """
    said = os.environ.get("WANGTING_FINAL_DAYS") or "2"
    try:
        days = float(said)
        if not 0 <= days <= 3650:
            raise ValueError(said)
    except ValueError:
        raise WangtingError(
            f"「{said}」不是天数", place="WANGTING_FINAL_DAYS", mend="写作 0 到 3650 之间的数，例如 2"
        ) from None
    return timedelta(days=days)


def _simulated_connections() -> dict[str, str]:
    path = home() / "simulator" / "connections.json"
    if not path.is_file():
        return {}
    return {str(name): str(value) for name, value in json.loads(path.read_text("utf-8")).items()}


def chosen(name: str) -> str | None:
    """What the environment's `WANGTING_<NAME>`, or the running simulator, chooses for this run; None: the site does."""
    return os.environ.get(f"WANGTING_{name}") or _simulated_connections().get(name)


def missing(text: str) -> list[str]:
    """The names in `text` that `resolve` would find nowhere."""
    names = list(dict.fromkeys(_VARIABLE.findall(text)))
    unknown = [name for name in names if given(name) is None and airflow_connections.part(name) is None]
    if not unknown:
        return []
    simulated = _simulated_connections()
    return [name for name in unknown if name not in simulated]


def resolve(text: str, *, place: str) -> str:
    """Replace every `${NAME}` in `text` by the environment's value, an Airflow connection's or the simulator's.

    Args:
        text: a setting as a specification words it; secrets are never written there, only named.
        place: what to name in the error.

    Raises:
        WangtingError: a name that none of them knows; only the name is shown, never a value.
    """
    simulated: dict[str, str] | None = None

    def value(match: re.Match[str]) -> str:
        nonlocal simulated
        name = match.group(1)
        if (told := given(name)) is not None:
            return told
        if (known := airflow_connections.part(name)) is not None:
            return known
        if simulated is None:
            simulated = _simulated_connections()
        if name not in simulated:
            raise WangtingError(
                f"没有设置环境变量 {name}",
                place=place,
                mend=f"设置 {name}，或用 wangting simulate up 启动模拟城市",
            )
        return simulated[name]

    return _VARIABLE.sub(value, text)
