"""Airflow connections as the environment gives them (`AIRFLOW_CONN_<ID>`), read without Airflow.

A setting `${PROVINCE_TOKEN}` that the environment does not know is looked up as part `TOKEN` of connection `PROVINCE`.

| part | is |
|---|---|
| URL | of http and https: scheme, host, port and path; of everything else: the whole address, password included |
| HOST, PORT, SCHEMA, LOGIN, PASSWORD | the connection's own |
| any other | the entry of that name, in lower case, of its extras; TOKEN without such an entry: its password |

Both of Airflow's forms are understood, the URI and the JSON object.
"""

import json
import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from wangting.errors import WangtingError

_PREFIX = "AIRFLOW_CONN_"
_FIELDS = {"HOST": "host", "PORT": "port", "SCHEMA": "schema", "LOGIN": "login", "PASSWORD": "password"}


def part(name: str) -> str | None:
    """The value that a connection holds for a setting's name, None where there is no such connection or part.

    Raises:
        WangtingError: the connection cannot be read; its content is never shown.
    """
    before = name
    while "_" in before:
        before, _, _ = before.rpartition("_")
        text = os.environ.get(_PREFIX + before)
        if text:
            return _part(_read(text, _PREFIX + before), name[len(before) + 1 :])
    return None


def _read(text: str, variable: str) -> dict[str, Any]:
    # What cannot be read is not named as the cause: its text is the secret.
    found = _json(text) if text.lstrip().startswith("{") else _uri(text)
    if found is None:
        raise WangtingError(
            "Airflow 连接的写法无法识别", place=variable, mend="写作 Airflow 的 URI 或 JSON 形式"
        )
    return found


def _json(text: str) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
        extra = found.get("extra") or {}
        if isinstance(extra, str):
            extra = json.loads(extra)
    except (ValueError, AttributeError):
        return None
    if not isinstance(extra, Mapping):
        return None
    return {**found, "extra": dict(extra)}


def _uri(text: str) -> dict[str, Any] | None:
    try:
        parts = urlsplit(text)
        port = parts.port
        extra = dict(parse_qsl(parts.query, keep_blank_values=True))
        if "__extra__" in extra:
            extra = json.loads(extra["__extra__"])
    except ValueError:
        return None
    if not parts.scheme or not isinstance(extra, dict):
        return None
    return {
        "conn_type": parts.scheme,
        "host": unquote(parts.hostname or ""),
        "port": port,
        "schema": unquote(parts.path.lstrip("/")),
        "login": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "extra": extra,
    }


def _part(connection: Mapping[str, Any], wanted: str) -> str | None:
    value: Any
    if wanted == "URL":
        value = _url(connection)
    elif wanted in _FIELDS:
        value = connection.get(_FIELDS[wanted])
    else:
        value = connection["extra"].get(wanted.lower())
        if value is None and wanted == "TOKEN":
            value = connection.get("password")
    return None if value is None or value == "" else str(value)


def _url(connection: Mapping[str, Any]) -> str | None:
    kind, host = str(connection.get("conn_type") or ""), str(connection.get("host") or "")
    if not host:
        return None
    port = f":{connection['port']}" if connection.get("port") else ""
    schema = str(connection.get("schema") or "")
    if kind in ("http", "https"):
        # Airflow's HTTP connections keep the scheme in the schema, or in the host itself.
        if "://" in host:
            return f"{host.rstrip('/')}{port}"
        scheme, path = (schema, "") if schema in ("http", "https") else (kind, f"/{schema}" if schema else "")
        return f"{scheme}://{host}{port}{path}"
    scheme = "postgresql" if kind in ("postgres", "postgresql") else kind
    login = quote(str(connection.get("login") or ""), safe="")
    password = quote(str(connection.get("password") or ""), safe="")
    who = f"{login}:{password}@" if login else ""
    return f"{scheme}://{who}{host}{port}/{quote(schema, safe='')}"
