"""Roles and permissions in Superset: what each may do there, and which datasets it may ask for.

A role of the house may look: dashboards, their filters, drilling, downloads. `分析` adds charts of one's own and SQL
Lab. What rows come is not decided here but in `rows`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dashboards.superset.rows import Rights

ANALYST = "分析"
PUBLIC = "公众"

_LOOK = {
    "Dashboard": {"can_read", "can_drill", "can_view_chart_as_table"},
    "Chart": {"can_read"},
    "Superset": {
        "can_dashboard",
        "can_explore_json",
        "can_dashboard_permalink",
        "can_log",
    },
    "DashboardPermalinkRestApi": {"can_read"},
    "DashboardFilterStateRestApi": {"can_read", "can_write"},
    "Api": {"can_time_range", "can_query_form_data", "can_query"},
    "CurrentUserRestApi": {"can_read"},
    "SecurityRestApi": {"can_read"},  # the token without which no page may ask for anything
    "Datasource": {"can_get", "can_get_column_values"},
    "Theme": {"can_read"},
    "CssTemplate": {"can_read"},
    "MenuApi": {"can_get"},
    "Dashboards": {"menu_access"},
}
# Who has a name may also go into detail, take numbers along, and keep their own account.
_NAMED = {
    "Dataset": {"can_read", "can_get_drill_info"},
    "Datasource": {"can_samples"},
    "Superset": {"can_csv"},
    "DashboardPermalinkRestApi": {"can_write"},
    "ResetMyPasswordView": {"can_this_form_get", "can_this_form_post"},
    "UserDBModelView": {"can_userinfo", "resetmypassword"},
    "UserInfoEditView": {"can_this_form_get", "can_this_form_post"},
    "user": {"can_read"},
    "Log": {"can_recent_activity"},
    "Home": {"menu_access"},
}
# What Superset gives whoever makes charts, but nobody here needs, or what reaches beyond one's own things.
_NOT_FOR_ANALYSTS = {
    "Theme": {"can_write", "can_export"},
    "CssTemplate": {"can_write"},
    "Dataset": {"can_write", "can_duplicate", "can_get_or_create_dataset", "can_warm_up_cache"},
    "Database": {"can_write", "can_upload"},
    "Tag": {"can_write", "can_bulk_create"},
    "Annotation": {"can_write"},
    "SQLLab": {"can_estimate_query_cost"},
    "EmbeddedDashboard": {"can_read"},
    "SecurityRestApi": {"can_write", "can_grant_guest_token"},
    "ReportSchedule": {"can_read", "can_write"},
    "AsyncEventsRestApi": {"can_list"},
    "OpenApi": {"can_get"},
    "SwaggerView": {"can_show"},
}


def _wanted(pvm: Any, wanted: dict[str, set[str]]) -> bool:
    return pvm.permission.name in wanted.get(pvm.view_menu.name, set())


def put_permissions(
    security_manager: Any, rights: Rights, names: Iterable[str], datasets: dict[str, Any]
) -> None:
    """Make each role, with what it may do and the datasets it may ask for; what it had beyond that is taken away.

    `datasets` are Superset's own, by table.
    """
    from superset import db

    every = security_manager._get_all_pvms()
    look = [pvm for pvm in every if _wanted(pvm, _LOOK)]
    named = [pvm for pvm in every if _wanted(pvm, _LOOK) or _wanted(pvm, _NAMED)]
    of_dataset = {
        table: security_manager.add_permission_view_menu("datasource_access", dataset.perm)
        for table, dataset in datasets.items()
    }
    for name in names:
        role = security_manager.add_role(name)
        own = [of_dataset[table] for table in rights.tables([name]) if table in of_dataset]
        role.permissions = [*(look if name == PUBLIC else named), *own]
    analyst = security_manager.add_role(ANALYST)
    analyst.permissions = [
        pvm
        for pvm in every
        if (security_manager._is_gamma_pvm(pvm) or security_manager._is_sql_lab_pvm(pvm))
        and not _wanted(pvm, _NOT_FOR_ANALYSTS)
        and not security_manager._is_user_defined_permission(pvm)
    ]
    # Superset's own roles for people would let their holders in by other doors than ours; nobody needs them.
    for name in ("Gamma", "Alpha", "sql_lab", "Public"):
        if (role := security_manager.find_role(name)) is not None:
            role.permissions = []
    db.session.commit()


def put_on_dashboards(
    security_manager: Any, rights: Rights, names: Iterable[str], dashboards: dict[Any, set[str]]
) -> None:
    """Give each dashboard the roles that may read every dataset it shows or filters by, so that none is shown half
    empty.

    `dashboards` is dashboard → its tables.
    """
    from superset import db

    roles = {name: security_manager.find_role(name) for name in names}
    administrator = security_manager.find_role("Admin")
    for dashboard, tables in dashboards.items():
        may = [
            role
            for name, role in roles.items()
            if role is not None and tables.issubset(rights.tables([name]))
        ]
        dashboard.roles = [administrator, *may]
    db.session.commit()


def put_rules(datasets: dict[str, Any], security_manager: Any) -> None:
    """One Base rule a dataset, by name: everybody but the administrator has the rows of `own_rows` only."""
    from superset import db
    from superset.connectors.sqla.models import RowLevelSecurityFilter

    administrator = security_manager.find_role("Admin")
    known = {rule.name: rule for rule in db.session.query(RowLevelSecurityFilter)}
    wanted = set()
    for table, dataset in datasets.items():
        name = f"行权限 {table}"
        wanted.add(name)
        rule = known.get(name) or RowLevelSecurityFilter(name=name)
        rule.description = "由 dashboards/rights.yml 与数据集的 rights 生成；下次启动时恢复"
        rule.filter_type = "Base"
        rule.clause = f'{{{{ own_rows("{table}") }}}}'
        rule.roles = [administrator]
        rule.tables = [dataset]
        db.session.add(rule)
    for name, rule in known.items():
        if name.startswith("行权限 ") and name not in wanted:
            db.session.delete(rule)
    db.session.commit()
