"""Pages that call nobody: what Superset's own scripts would fetch from outside is taken out as they are served.

Superset 6.1 has a picture of a statistics service built into its pages. The content security policy keeps a browser
from fetching it, but then complains on every page. So the few scripts that name the service are served with an empty
picture in its place.
"""

from __future__ import annotations

from pathlib import Path

_PIXEL = b"https://apachesuperset.gateway.scarf.sh/pixel/"
# One transparent point; what followed the address becomes a fragment that nobody reads.
_NOTHING = b"data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7#"


def scripts(assets: Path) -> dict[str, bytes]:
    """The scripts that name the service: path below `/static/assets/` → what is served instead."""
    found = {}
    for path in assets.rglob("*.js"):
        text = path.read_bytes()
        if _PIXEL in text:
            found[path.relative_to(assets).as_posix()] = text.replace(_PIXEL, _NOTHING)
    return found
