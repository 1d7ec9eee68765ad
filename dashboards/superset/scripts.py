"""Superset's own scripts with what has to differ in them, put in as they are served: no file of Superset's changes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Change:
    """Text of Superset 6.1's built scripts, and what is served in its place."""

    text: bytes
    instead: bytes


CHANGES = (
    # Each page has a picture of a statistics service. The content security policy keeps a browser from fetching it,
    # but then complains on every page. One transparent point instead; the rest of the address becomes a fragment
    # that nobody reads.
    Change(
        b"https://apachesuperset.gateway.scarf.sh/pixel/",
        b"data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7#",
    ),
    # Charts are drawn a whole window before they come into view, so that a first window waits for twice its charts.
    Change(b'{rootMargin:"100% 0px"}', b'{rootMargin:"10% 0px"}'),
)


def changed(assets: Path) -> dict[str, bytes]:
    """The scripts below `assets` that have any of these texts: path below it → what is served instead."""
    found = {}
    for path in assets.rglob("*.js"):
        text = path.read_bytes()
        served = text
        for change in CHANGES:
            served = served.replace(change.text, change.instead)
        if served != text:
            found[path.relative_to(assets).as_posix()] = served
    return found
