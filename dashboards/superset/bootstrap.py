"""Bring Superset to what is declared, in one process: `python dashboards/superset/bootstrap.py --bundle FOLDER`.

Metadata database, roles, the bundle (`wangting dashboards write FOLDER`: `bundle/` and `rights.json`), who owns and
sees what, users. Every step may be repeated; a repeat changes nothing but what is declared otherwise now. Ends with 1
and one sentence on failure.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import shutil
import sys
from pathlib import Path

if not __package__:  # run as a file: the top instead of this folder, whose modules have everyday names
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from dashboards.superset import place, rows

_OUT = sys.stdout


def _say(text: str) -> None:
    _OUT.write(text + "\n")
    _OUT.flush()


def _arguments(given: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="准备 Superset：元数据库、角色、看板、行权限、用户；可重复运行"
    )
    bundle, people = os.environ.get("WANGTING_SUPERSET_BUNDLE"), os.environ.get("WANGTING_SUPERSET_USERS")
    parser.add_argument(
        "--bundle",
        type=Path,
        default=bundle,
        required=not bundle,
        help="wangting dashboards write 写出的文件夹；默认 WANGTING_SUPERSET_BUNDLE",
    )
    parser.add_argument(
        "--users",
        type=Path,
        default=people or None,
        help="用户文件（YAML 或 JSON）：users: [{name, roles, title}]；默认 WANGTING_SUPERSET_USERS",
    )
    parser.add_argument(
        "--user", action="append", default=[], metavar="用户名=角色[,角色]", help="一个用户，可写多次"
    )
    parser.add_argument(
        "--role", action="append", default=[], metavar="角色", help="另外建立的角色，如 部门:<代码>"
    )
    return parser.parse_args(given)


def _role_names(rights: rows.Rights, asked: list[str]) -> list[str]:
    """Every role to be kept: those without a code, one a county of the release, those that exist, those asked for."""
    import duckdb
    from superset import security_manager

    names = {name for name, kind in rights.roles.items() if kind["code"] != "must"}
    by_county = [name for name, kind in rights.roles.items() if kind["by"] == "county"]
    if place.marts().exists():
        with duckdb.connect(str(place.real_marts()), read_only=True) as marts:
            there = {table for (table,) in marts.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
            counties: set[str] = set()
            for table, about in rights.datasets.items():
                column = about.get("rows", {}).get("county")
                if column and table in there:
                    found = marts.execute(
                        f'SELECT DISTINCT "{column}" FROM main."{table}" WHERE "{column}" IS NOT NULL'
                    )
                    counties |= {str(code) for (code,) in found.fetchall()}
        names |= {f"{name}:{code}" for name in by_county for code in counties}
    names |= {
        role.name for role in security_manager.get_all_roles() if rights.parse(role.name)[0] is not None
    }
    return sorted(names.union(asked))


def run(given: list[str] | None = None) -> None:
    """All steps; raises what a step raises. What Superset prints meanwhile goes to `bootstrap.log`."""
    asked = _arguments(given)
    place.prepare()
    log = place.folder() / "bootstrap.log"
    with (
        log.open("w", encoding="utf-8") as file,
        contextlib.redirect_stdout(file),
        contextlib.redirect_stderr(file),
    ):
        _run(asked)


def _run(asked: argparse.Namespace) -> None:
    rights = rows.read(asked.bundle / "rights.json")
    if not rights.datasets:
        raise FileNotFoundError(asked.bundle / "rights.json")
    logging.disable(logging.WARNING)

    from dashboards.superset import assets, roles, users

    people = users.from_file(asked.users, rights) if asked.users else []
    people += [users.from_argument(each, rights) for each in asked.user]

    _say("[1/5] 元数据库")
    from superset.app import create_app

    app = create_app()
    with app.app_context():
        from flask_migrate import upgrade
        from superset import appbuilder, security_manager
        from superset.utils.core import override_user

        upgrade()
        logging.disable(logging.WARNING)
        _say("[2/5] 角色")
        appbuilder.add_permissions(update_perms=True)
        security_manager.sync_role_definitions()
        administrator, password = users.administrator(security_manager)
        wanted = [role for person in people for role in person.roles if role != roles.ANALYST]
        names = _role_names(rights, [*wanted, *asked.role])
        with override_user(administrator):
            _say("[3/5] 数据集、图表、看板")
            declared = assets.put(asked.bundle / "bundle")
            datasets = assets.datasets(declared)
            _say("[4/5] 行权限")
            shutil.copyfile(asked.bundle / "rights.json", place.rights_file())
            roles.put_permissions(security_manager, rights, names, datasets)
            roles.put_rules(datasets, security_manager)
            found = assets.publish(declared, administrator)
            roles.put_on_dashboards(security_manager, rights, names, found)
            _say("[5/5] 用户")
            made = users.put(security_manager, people)
    if password:
        _say(
            f"管理员：{users.ADMINISTRATOR}  密码：{password}"
            f"（只显示这一次；另存于 {place.folder() / 'admin.password'}，仅本人可读）"
        )
    for name, generated in made.items():
        _say(f"用户：{name}  密码：{generated}（只显示这一次）")
    _say(f"就绪：{len(found)} 个看板，{len(datasets)} 个数据集，{len(names)} 个角色，{len(people)} 个用户")


def main() -> int:
    """Run, and say what went wrong in one sentence."""
    try:
        run()
    except FileNotFoundError as error:
        _say(
            f"错误：缺少 {error.filename or error}；请先运行 wangting dashboards write，并以 --bundle 指明该文件夹"
        )
    except Exception as error:
        from dashboards.superset.users import UserError

        reason = "" if isinstance(error, UserError) else f"{type(error).__name__}："
        _say(f"错误：{reason}{error}（详见 {place.folder() / 'bootstrap.log'}）")
        detail = getattr(error, "normalized_messages", None)
        if detail is not None:
            _say(f"  {detail()}")
    else:
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
