"""Where things are and what they are called: everything that the environment may set."""

import json
import os
import re
from pathlib import Path

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
    if not folder.exists():
        folder.mkdir(parents=True, mode=0o700)
    return folder


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


def ledger_url() -> str:
    """The ledger's SQLAlchemy address: `WANGTING_LEDGER_URL`, or a SQLite file under the home."""
    return os.environ.get("WANGTING_LEDGER_URL") or f"sqlite:///{home() / 'ledger.sqlite'}"


def memory_limit() -> str:
    """DuckDB's memory limit, `WANGTING_MEMORY` (default 3GB: the whole job fits a 4 GB machine)."""
    return os.environ.get("WANGTING_MEMORY") or "3GB"


def _simulated_connections() -> dict[str, str]:
    path = home() / "simulator" / "connections.json"
    if not path.is_file():
        return {}
    return {str(name): str(value) for name, value in json.loads(path.read_text("utf-8")).items()}


def resolve(text: str, *, place: str) -> str:
    """Replace every `${NAME}` in `text` by the environment's value, or by the running simulator's.

    Args:
        text: a setting as a specification words it; secrets are never written there, only named.
        place: what to name in the error.

    Raises:
        WangtingError: a name that neither knows; only the name is shown, never a value.
    """
    simulated: dict[str, str] | None = None

    def value(match: re.Match[str]) -> str:
        nonlocal simulated
        name = match.group(1)
        if name in os.environ:
            return os.environ[name]
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
