"""Pages that call nobody: what Superset's own scripts would fetch from outside is taken out as they are served.

Superset 6.1 has a picture of a statistics service built into its pages. The content security policy keeps a browser
from fetching it, but then complains on every page. So the few scripts that name the service are served with an empty
picture in its place.
"""

from __future__ import annotations

import re
from pathlib import Path

_PIXEL = b"https://apachesuperset.gateway.scarf.sh/pixel/"
# One transparent point; what followed the address becomes a fragment that nobody reads.
_NOTHING = b"data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7#"

# What pages ask for by themselves, whoever reads them: to store the colours of words that are new to them, and what
# the reader did last. Who may not is refused, nothing is stored or told; but a page that hears of it complains.
_UNASKED = re.compile(r"PUT /api/v1/dashboard/\d+/colors/?|GET /api/v1/log/recent_activity/?")


def is_unasked(method: str, path: str) -> bool:
    """Whether a request is one that pages make by themselves, so that a refusal need not be told."""
    return _UNASKED.fullmatch(f"{method} {path}") is not None


def scripts(assets: Path) -> dict[str, bytes]:
    """The scripts that name the service: path below `/static/assets/` → what is served instead."""
    found = {}
    for path in assets.rglob("*.js"):
        text = path.read_bytes()
        if _PIXEL in text:
            found[path.relative_to(assets).as_posix()] = text.replace(_PIXEL, _NOTHING)
    return found
