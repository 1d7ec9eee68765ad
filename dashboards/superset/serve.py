"""Start the web server: `python dashboards/superset/serve.py`, after the bootstrap.

Becomes gunicorn, in the foreground, with the settings that `place.server` reads; ends with it. Everything else that
is given on the command line is handed to gunicorn.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

if not __package__:  # run as a file: the top instead of this folder, whose modules have everyday names
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from dashboards.superset import place


def command(extra: list[str]) -> list[str]:
    """The command line of gunicorn in this very environment."""
    settings = place.server()
    return [
        sys.executable,
        "-m",
        "gunicorn",
        *("--bind", f"{settings.host}:{settings.port}"),
        *("--workers", str(settings.workers)),
        *("--worker-class", "gthread"),
        *("--threads", str(settings.threads)),
        *("--timeout", str(settings.timeout_seconds)),
        *("--keep-alive", "30"),
        "--preload",
        *("--log-level", "warning"),
        *extra,
        "superset.app:create_app()",
    ]


def main() -> None:
    """Replace this process by the server."""
    place.prepare()
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(place.ROOT), os.environ.get("PYTHONPATH")]))
    asked = command(sys.argv[1:])
    os.execv(asked[0], asked)


if __name__ == "__main__":
    main()
