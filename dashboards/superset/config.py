"""Superset's configuration: what differs from its defaults, and why. Values come from the environment through
`place`.

Superset imports this file by its path (`SUPERSET_CONFIG_PATH`), so it finds its own package itself.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from datetime import timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

if str(Path(__file__).resolve().parents[2]) not in sys.path:
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from dashboards.superset import place, theme

# Secrets. One key of our own; what else wants a secret gets one derived from it.
SECRET_KEY = place.secret("WANGTING_SUPERSET_SECRET", "secret.key")[0]
GUEST_TOKEN_JWT_SECRET = hashlib.sha256(b"guest:" + SECRET_KEY.encode()).hexdigest()
GLOBAL_ASYNC_QUERIES_JWT_SECRET = hashlib.sha256(b"async:" + SECRET_KEY.encode()).hexdigest()

SQLALCHEMY_DATABASE_URI = place.metadata_url()
DATA_DIR = str(place.folder())

# Who may see what.
from dashboards.superset import events as _events  # noqa: E402  Superset's modules must be importable by now
from dashboards.superset import security as _security  # noqa: E402

CUSTOM_SECURITY_MANAGER = _security.SecurityManager
EVENT_LOGGER = _events.EventLogger()
DB_CONNECTION_MUTATOR = _security.at_each_connection
JINJA_CONTEXT_ADDONS = {"own_rows": _security.own_rows}
# A visitor without a name sees what the public may see, or, by default, nothing but the login page.
PUBLIC_ROLE_LIKE = None
AUTH_ROLE_PUBLIC = "公众" if place.yes("WANGTING_SUPERSET_PUBLIC") else "Public"
AUTH_USER_REGISTRATION = False
AUTH_RATE_LIMITED = True
AUTH_RATE_LIMIT = os.environ.get("WANGTING_SUPERSET_LOGIN_RATE") or "20 per minute"
RATELIMIT_ENABLED = True
# Only failed logins are counted (`security`): by address an office behind one gateway is one reader.
RATELIMIT_APPLICATION = ""
RATELIMIT_STORAGE_URI = "memory://"
FAB_API_SWAGGER_UI = False
FAB_PASSWORD_COMPLEXITY_ENABLED = True
FAB_PASSWORD_COMPLEXITY_VALIDATOR = None

FEATURE_FLAGS = {
    "ENABLE_TEMPLATE_PROCESSING": True,  # the row-level rules are templates
    "DASHBOARD_RBAC": True,
    "RLS_IN_SQLLAB": True,
    "DRILL_BY": True,
    "DRILL_TO_DETAIL": True,
    "DASHBOARD_VIRTUALIZATION_DEFER_DATA": True,  # what lies below the window waits its turn
    # Nobody uses these, and each is one more door.
    "EMBEDDED_SUPERSET": False,
    "ALERT_REPORTS": False,
    "TAGGING_SYSTEM": False,
    "ENABLE_EXTENSIONS": False,
    "ENABLE_SUPERSET_META_DB": False,
    "ALLOW_ADHOC_SUBQUERY": False,
    "GLOBAL_TASK_FRAMEWORK": False,
    "THUMBNAILS": False,
    "SSH_TUNNELING": False,
    "ESTIMATE_QUERY_COST": False,
    "ENABLE_JAVASCRIPT_CONTROLS": False,
    "DYNAMIC_PLUGINS": False,
}

# Language. A site's zone is the data's: times are stored and shown as they are.
BABEL_DEFAULT_LOCALE = "zh"
LANGUAGES = {"zh": {"flag": "cn", "name": "中文"}, "en": {"flag": "us", "name": "English"}}
D3_TIME_FORMAT = {
    "dateTime": "%Y-%m-%d %H:%M:%S",
    "date": "%Y-%m-%d",
    "time": "%H:%M:%S",
    "periods": ["上午", "下午"],
    "days": ["星期日", "星期一", "星期二", "星期三", "星期四", "星期五", "星期六"],
    "shortDays": ["周日", "周一", "周二", "周三", "周四", "周五", "周六"],
    "months": [f"{number}月" for number in range(1, 13)],
    "shortMonths": [f"{number}月" for number in range(1, 13)],
}
CURRENCIES = ["CNY"]

# Look.
APP_NAME = theme.NAME
APP_ICON = "/wangting/logo.svg"
LOGO_TARGET_PATH = "/"
FAVICONS = [{"href": "/wangting/logo.svg"}]
THEME_DEFAULT = theme.LIGHT
THEME_DARK = theme.DARK
THEME_FONT_URL_ALLOWED_DOMAINS: list[str] = []
ENABLE_UI_THEME_ADMINISTRATION = False
EXTRA_CATEGORICAL_COLOR_SCHEMES = theme.CATEGORICAL
EXTRA_SEQUENTIAL_COLOR_SCHEMES = theme.SEQUENTIAL

# No call leaves: not from the server, and not from a reader's browser, whatever a page asks for.
_OWN = ["'self'"]
TALISMAN_ENABLED = True
TALISMAN_CONFIG = {
    "content_security_policy": {
        "default-src": _OWN,
        "base-uri": _OWN,
        "form-action": _OWN,
        "frame-ancestors": _OWN,
        "img-src": [*_OWN, "blob:", "data:"],
        "worker-src": [*_OWN, "blob:"],
        "connect-src": _OWN,
        "object-src": "'none'",
        "style-src": [*_OWN, "'unsafe-inline'"],
        "font-src": [*_OWN, "data:"],
        "script-src": [*_OWN, "'strict-dynamic'"],
    },
    "content_security_policy_nonce_in": ["script-src"],
    "force_https": False,
    "session_cookie_secure": place.yes("WANGTING_SUPERSET_HTTPS"),
    "referrer_policy": "same-origin",
}
TALISMAN_DEV_CONFIG = TALISMAN_CONFIG
CORS_OPTIONS: dict[str, Any] = {"origins": []}
ENABLE_CORS = False
MAPBOX_API_KEY = ""
DECKGL_BASE_MAP: list[list[str]] = [["", "—"]]  # the page reads the first one while it starts
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = place.yes("WANGTING_SUPERSET_HTTPS")
PERMANENT_SESSION_LIFETIME = timedelta(hours=12)
ENABLE_PROXY_FIX = place.yes("WANGTING_SUPERSET_PROXY")

# A chart's answer is kept in the memory of the process that gave it, for those who would be given the same: its key
# has the release, the rights and the roles (`security.get_rls_cache_key`). An hour is what a release lasts; the number
# bounds the memory, as a chart has a few hundred rows at most and a list 10,000.
CACHE_CONFIG = {"CACHE_TYPE": "NullCache"}
DATA_CACHE_CONFIG = {"CACHE_TYPE": "SimpleCache", "CACHE_DEFAULT_TIMEOUT": 3600, "CACHE_THRESHOLD": 300}
THUMBNAIL_CACHE_CONFIG = {"CACHE_TYPE": "NullCache", "CACHE_NO_NULL_WARNING": True}
RESULTS_BACKEND = None
STORE_CACHE_KEYS_IN_METADATA_DB = False
SQLLAB_BACKEND_PERSISTENCE = True

# Nothing is taken in.
ALLOWED_EXTENSIONS: set[str] = set()
CSV_EXTENSIONS: set[str] = set()
EXCEL_EXTENSIONS: set[str] = set()
COLUMNAR_EXTENSIONS: set[str] = set()
MAX_CONTENT_LENGTH = 16 * 1024 * 1024  # the largest dashboard is far below a megabyte
PREVENT_UNSAFE_DB_CONNECTIONS = True

# No worker stands behind this server: nothing is scheduled, mailed or computed later.
CELERY_CONFIG = None

ROW_LIMIT = 10_000
SQL_MAX_ROW = 100_000
DEFAULT_SQLLAB_LIMIT = 1_000
SUPERSET_WEBSERVER_TIMEOUT = place.server().timeout_seconds
SQLLAB_TIMEOUT = 30
LOG_LEVEL = os.environ.get("WANGTING_SUPERSET_LOG") or "WARNING"
SILENCE_FAB = True


def FLASK_APP_MUTATOR(app: Any) -> None:  # noqa: N802  a setting of Superset
    """Last step of Superset's start: our words, our guard, our logo, one schema."""
    from flask import Response, request, session
    from flask_babel import get_locale
    from superset.db_engine_specs.duckdb import DuckDBEngineSpec

    from dashboards.superset import connection, defaults, pages, quiet, scripts, words

    words.mend()
    _security.guard_charts()
    # duckdb-engine lists the schemas of every attached database, and every view as a table too.
    DuckDBEngineSpec.get_schema_names = classmethod(lambda cls, inspector: {connection.SCHEMA})
    DuckDBEngineSpec.get_view_names = classmethod(lambda cls, database, inspector, schema: set())

    # The login page needs its words too, before anybody has logged in; and Superset's own answer is a file without
    # ours.
    ours = scripts.changed(Path(str(files("superset"))) / "static" / "assets")

    @app.before_request
    def wangting_instead() -> Response | None:
        folder, _, name = request.path.rpartition("/assets/")
        if folder == "/static" and name in ours:
            year = {"Cache-Control": "public, max-age=31536000"}
            return Response(ours[name], mimetype="text/javascript", headers=year)
        if request.path.rstrip("/") == "/superset/log" and "_user_id" not in session:
            # The login page reports that it was opened. Refused, the answer brings a new session, and where that comes
            # after the login's own, whoever has just logged in is nobody again.
            return Response("{}", mimetype="application/json")
        asked = request.path.removeprefix("/superset/language_pack/")
        return words.pack(asked.strip("/")) if asked != request.path else None

    # Asked after `wangting_answers`, which may put another answer in the place of Superset's.
    app.after_request(_events.write_after)

    @app.after_request
    def wangting_answers(response: Response) -> Response:
        if response.status_code == 403 and quiet.is_unasked(request.method, request.path):
            return Response('{"result": []}', mimetype="application/json")
        if request.endpoint == "DashboardRestApi.get" and response.status_code == 200:
            told = response.get_json()
            told["result"]["json_metadata"] = defaults.fill(told["result"].get("json_metadata"))
            response.set_data(json.dumps(told, ensure_ascii=False))
            return response
        is_page = response.mimetype == "text/html" or request.path.startswith("/login")
        if is_page and response.status_code >= 400:
            page = pages.instead(response.status_code, str(get_locale()))
            return Response(page, status=response.status_code) if page else response
        return response

    @app.route("/wangting/logo.svg")
    def wangting_logo() -> Response:
        return Response(
            theme.LOGO, mimetype="image/svg+xml", headers={"Cache-Control": "public, max-age=3600"}
        )
