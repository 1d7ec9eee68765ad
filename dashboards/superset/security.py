"""Superset's security manager, and what asks it at each connection.

Three rules on top of Superset's own: nobody reaches a dataset through a dashboard's or a chart's ownership alone,
nobody but the administrator makes charts from anything but a declared dataset, and whoever is asked for has the roles
that the house's rights know.
"""

from __future__ import annotations

from typing import Any

from flask import Response, g
from superset.errors import ErrorLevel, SupersetError, SupersetErrorType
from superset.exceptions import SupersetSecurityException
from superset.security import SupersetSecurityManager
from superset.utils.core import get_user_id

from dashboards.superset import connection, place, rows


def _refuse(message: str) -> None:
    raise SupersetSecurityException(
        SupersetError(
            error_type=SupersetErrorType.DATASOURCE_SECURITY_ACCESS_ERROR,
            message=message,
            level=ErrorLevel.WARNING,
        )
    )


def _is_turned_away(response: Response) -> bool:
    return response.status_code == 401 or "/login" in response.headers.get("Location", "")


class SecurityManager(SupersetSecurityManager):
    """Superset's rules, and ours, which only ever take away."""

    def register_views(self) -> None:
        """Superset's own, with its limit on logins where passwords can be tried.

        Superset 6.1 limits the page that shows the form, not the view that takes it, and nobody limits the API's. Only
        failures count: an office behind one gateway is one address.
        """
        super().register_views()
        doors = [
            view
            for view in self.appbuilder.baseviews
            if isinstance(view, self.authdbview | self.security_api)
        ]
        for door in doors:
            limited = self.limiter.limit(self.auth_rate_limit, methods=["POST"], deduct_when=_is_turned_away)
            limited(door.blueprint)

    def role_names(self) -> list[str]:
        """The names of the roles of whoever asks; nobody has none."""
        if getattr(g, "user", None) is None:
            return []
        return [role.name for role in self.get_user_roles(g.user)]

    def is_administrator(self) -> bool:
        """Whether whoever asks is the administrator; nobody is not."""
        return getattr(g, "user", None) is not None and bool(self.is_admin())

    def _has_view_access(self, user: Any, permission_name: str, view_name: str) -> bool:
        """Superset's own answer, asked for once a request: a chart asks a dozen times, each time its database."""
        answers = g.setdefault("permissions", {})
        asked = (user.id, permission_name, view_name)
        if asked not in answers:
            answers[asked] = super()._has_view_access(user, permission_name, view_name)
        return bool(answers[asked])

    def raise_for_access(self, **asked: Any) -> None:
        """Superset's own answer, unless ours is no.

        Superset 6.1 knows only one kind of filter for a chart that is made straight from a query, its own rewriting of
        SQL, and lets somebody read a dataset because a dashboard of theirs contains it. Neither is allowed here.
        """
        if not self.is_administrator():
            query = asked.get("query")
            if query is not None and query.user_id != get_user_id():
                _refuse("只能使用自己的查询")
            query_context = asked.get("query_context")
            viz = asked.get("viz")
            source = asked.get("datasource") or getattr(query_context or viz, "datasource", None)
            if source is not None:
                if getattr(source, "type", "") != "table" or getattr(source, "sql", None):
                    _refuse("图表只能基于已登记的数据集")
                if not self.can_access("datasource_access", source.perm or ""):
                    _refuse("没有这个数据集的权限")
        super().raise_for_access(**asked)

    def raise_for_source(self, source: Any) -> None:
        """Refuse charts that stand on anything but a declared dataset.

        Of a query Superset asks only whether its tables may be read; which rows, it forgets.
        """
        if not self.is_administrator() and getattr(source, "type", "") != "table":
            _refuse("图表只能基于已登记的数据集")

    def get_rls_cache_key(self, datasource: Any) -> list[str]:
        """Also what decides about the rows: the text of our rule is the same for everybody, what it says is not.

        Asked before the rows are, so that an answer of a newer release may stand under an older one's key, never the
        other way round.
        """
        whose = connection.whose(self.role_names(), self.is_administrator())
        return [*super().get_rls_cache_key(datasource), repr(connection.seen(whose))]


def own_rows(table: str) -> str:
    """The condition for whoever asks; what the row-level rules of Superset say."""
    from superset import security_manager

    condition = rows.read(place.rights_file()).condition(str(table), security_manager.role_names())
    return condition or rows.NO_ROW


def at_each_connection(
    uri: Any, params: dict[str, Any], username: str | None, security_manager: Any, source: Any
) -> tuple[Any, dict[str, Any]]:
    """Superset's hook before it connects: the release is opened by us, for whoever asks now.

    The address of the database is only its name; which file is opened, and with what, is not for it to say.
    """
    if uri.get_backend_name() != "duckdb":
        raise PermissionError(f"只连接数据仓库的发布库，不连接 {uri.get_backend_name()}")
    params = {key: value for key, value in params.items() if key == "poolclass"}
    names = security_manager.role_names()
    is_administrator = security_manager.is_administrator()
    return uri, {**params, "creator": lambda: connection.connect(names, is_administrator)}


def guard_charts() -> None:
    """Ask `raise_for_source` before any chart's data, in this process."""
    from superset import security_manager
    from superset.common.query_context_processor import QueryContextProcessor

    ask = QueryContextProcessor.raise_for_access
    if getattr(ask, "ours", False):
        return

    def ask_both(processor: Any) -> None:
        security_manager.raise_for_source(processor._qc_datasource)
        ask(processor)

    ask_both.ours = True  # type: ignore[attr-defined]
    QueryContextProcessor.raise_for_access = ask_both
