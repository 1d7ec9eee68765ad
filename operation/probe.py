"""Is a service well? Asked by docker's health checks, by `wangting up` and by the first page; standard library only.

    python operation/probe.py WANGTING_AIRFLOW_ADDRESS /api/v2/monitor/health scheduler
    python operation/probe.py WANGTING_HOME /operation/city.json 900

The first word names the environment variable with the address of a service or a folder. Of a service the path must
answer with 200, and where a part is named, the answer's JSON must say `{"status": "healthy"}` of it; of a folder the
file must be there, and have been written within that many seconds.
"""

import json
import os
import sys
import time
import urllib.request
from collections.abc import Mapping

PATIENCE = 9.0  # seconds for an answer; docker gives the whole check ten


def fault(words: list[str], environment: Mapping[str, str]) -> str | None:
    """What is wrong with the service that the words of a probe name, in Chinese; None: it is well.

    Args:
        words: variable, path, and perhaps a part or a number of seconds.
        environment: where the variable is looked up.
    """
    variable, path, *rest = words
    base = environment.get(variable, "")
    if not base:
        return f"没有设置 {variable}"
    return _asked(base, path, *rest) if base.startswith("http") else _written(base + path, *rest)


def _asked(base: str, path: str, part: str = "") -> str | None:
    # The opener without proxies: what stands beside us must not be asked for through the user's proxy.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(base.rstrip("/") + path, timeout=PATIENCE) as answer:
            body = answer.read()
    except (OSError, ValueError) as error:
        return f"没有应答（{error}）"
    if not part:
        return None
    try:
        status = json.loads(body)[part]["status"]
    except (ValueError, KeyError, TypeError):
        return f"应答里没有 {part}"
    return None if status == "healthy" else "没有心跳"


def _written(path: str, seconds: str = "300") -> str | None:
    try:
        age = time.time() - os.stat(path).st_mtime  # noqa: PTH116 - runs in images that have nothing else
    except OSError:
        return "还没有动静"
    return None if age <= float(seconds) else f"已有 {age:.0f} 秒没有动静"


def main() -> int:
    """Exit code 0: well. Otherwise the reason stands on standard error."""
    found = fault(sys.argv[1:], os.environ)
    if found is not None:
        sys.stderr.write(f"{found}\n")
    return 0 if found is None else 1


if __name__ == "__main__":
    raise SystemExit(main())
