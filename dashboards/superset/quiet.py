"""What pages ask for by themselves, whoever reads them: a refusal of it need not be told."""

from __future__ import annotations

import re

# What pages ask for by themselves, whoever reads them: to store the colours of words that are new to them, and what
# the reader did last. Who may not is refused, nothing is stored or told; but a page that hears of it complains.
_UNASKED = re.compile(r"PUT /api/v1/dashboard/\d+/colors/?|GET /api/v1/log/recent_activity/?")


def is_unasked(method: str, path: str) -> bool:
    """Whether a request is one that pages make by themselves, so that a refusal need not be told."""
    return _UNASKED.fullmatch(f"{method} {path}") is not None
