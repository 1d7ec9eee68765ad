"""Who did what: Superset's own table of events, written once a request and after its answer.

Superset commits each of a request's half-dozen events by itself, and after every commit asks for the user, the dataset
and all of its columns anew: half of what a chart costs.
"""

from __future__ import annotations

import json
import logging
from typing import Any

from flask import Response, current_app, g, has_request_context
from superset.utils.log import AbstractEventLogger

_log = logging.getLogger(__name__)


class EventLogger(AbstractEventLogger):
    """Keeps the events of a request for `write_after`; outside of a request each is written at once."""

    def log(
        self,
        user_id: int | None,
        action: str,
        dashboard_id: int | None,
        duration_ms: int | None,
        slice_id: int | None,
        referrer: str | None,
        curated_payload: dict[str, Any] | None,
        curated_form_data: dict[str, Any] | None,
        *args: Any,
        records: list[dict[str, Any]] | None = None,
        **kwargs: Any,
    ) -> None:
        """Take an event, in the words of Superset's interface."""
        events = [
            {
                "action": action,
                "json": _text(record),
                "dashboard_id": dashboard_id or record.get("dashboard_id"),
                "slice_id": slice_id or record.get("slice_id"),
                "duration_ms": duration_ms,
                "referrer": referrer,
                "user_id": user_id,
            }
            for record in records or [curated_payload or {}]
        ]
        if has_request_context():
            g.setdefault("events", []).extend(events)
        else:
            _write(events)


def write_after(response: Response) -> Response:
    """Have the events of this request written when its answer has been sent."""
    events = g.pop("events", [])
    if events:
        app = current_app._get_current_object()

        def write() -> None:
            with app.app_context():
                _write(events)

        response.call_on_close(write)
    return response


def _text(record: dict[str, Any]) -> str | None:
    try:
        return json.dumps(record, ensure_ascii=False)
    except (TypeError, ValueError):
        return None


def _write(events: list[dict[str, Any]]) -> None:
    from sqlalchemy.exc import SQLAlchemyError
    from superset import db
    from superset.models.core import Log

    try:
        with db.engine.begin() as connection:
            connection.execute(Log.__table__.insert(), events)
    except SQLAlchemyError:
        # As with Superset's own: a full disk or a lock must not keep anybody from reading.
        _log.exception("events of a request were not written")
