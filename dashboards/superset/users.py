"""People and their roles, from a file or the command line.

A password that is generated is printed once and kept nowhere; the administrator's also lies in a file of mode 0600,
where the environment does not give it.
"""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dashboards.superset import place
from dashboards.superset.roles import ANALYST
from dashboards.superset.rows import Rights

ADMINISTRATOR = "admin"
_NAME = re.compile(r"^[A-Za-z0-9_.\-\u4e00-\u9fff]{1,64}$")


class UserError(Exception):
    """A user that cannot be made, said for people."""


@dataclass(frozen=True)
class Person:
    """A user by name, with the roles they shall have."""

    name: str
    roles: list[str]
    title: str = ""
    password: str | None = None


def _person(
    name: str, roles: list[str], rights: Rights, where: str, title: str = "", password: str | None = None
) -> Person:
    if not _NAME.match(name) or name == ADMINISTRATOR:
        raise UserError(
            f"{where}：用户名“{name}”不可用；请用字母、数字、汉字、点、横线，且不是 {ADMINISTRATOR}"
        )
    if not roles:
        raise UserError(f"{where}：用户 {name} 没有角色")
    for role in roles:
        if role != ANALYST and rights.parse(role)[0] is None:
            kinds = "、".join(
                f"{kind}:<代码>" if about["code"] != "none" else kind for kind, about in rights.roles.items()
            )
            raise UserError(f"{where}：用户 {name} 的角色“{role}”不认识；可用：{kinds}、{ANALYST}")
    return Person(name, roles, title, password)


def from_argument(given: str, rights: Rights) -> Person:
    """`name=role[,role]` as a person."""
    name, equals, roles = given.partition("=")
    if not equals:
        raise UserError(f"--user {given}：应写作 用户名=角色[,角色]")
    return _person(name, [role for role in roles.split(",") if role], rights, "--user")


def from_file(path: Path, rights: Rights) -> list[Person]:
    """A users file: YAML or JSON, `users: [{name, roles: […], title?, password?}]`."""
    import yaml

    try:
        given = yaml.safe_load(path.read_text(encoding="utf-8"))["users"]
    except (OSError, KeyError, TypeError, yaml.YAMLError) as error:
        raise UserError(f"{path}：不是用户文件（users: [{{name: …, roles: […]}}]）：{error}") from error
    return [
        _person(
            str(each["name"]),
            [str(role) for role in each.get("roles", [])],
            rights,
            str(path),
            str(each.get("title", "")),
            each.get("password"),
        )
        for each in given
    ]


def put(security_manager: Any, people: list[Person]) -> dict[str, str]:
    """Make or change these users; returns the passwords that were generated now, by name.

    A user who is there keeps the password. Users of an earlier run that no file names any more are switched off, not
    deleted: what they made stays.
    """
    from superset import db

    made: dict[str, str] = {}
    register = place.folder() / "users.json"
    before = set(json.loads(register.read_text(encoding="utf-8"))) if register.exists() else set()
    for person in people:
        roles = [security_manager.find_role(name) for name in person.roles]
        user = security_manager.find_user(username=person.name)
        if user is None:
            password = person.password or secrets.token_urlsafe(12)
            if person.password is None:
                made[person.name] = password
            user = security_manager.add_user(
                person.name,
                person.title or person.name,
                "",
                f"{person.name}@wangting.invalid",
                roles,
                password=password,
            )
            if not user:
                raise UserError(f"用户 {person.name} 无法建立")
        user.roles = roles
        user.active = True
        user.first_name = person.title or person.name
    for name in before - {person.name for person in people} if people else ():
        if (user := security_manager.find_user(username=name)) is not None:
            user.active = False
    db.session.commit()
    if people:
        place.write_secret(register, json.dumps(sorted(person.name for person in people), ensure_ascii=False))
    return made


def administrator(security_manager: Any) -> tuple[Any, str | None]:
    """The administrator, and the password where it was generated now."""
    from superset import db

    password, is_new = place.secret("WANGTING_SUPERSET_ADMIN_PASSWORD", "admin.password")
    user = security_manager.find_user(username=ADMINISTRATOR)
    if user is None:
        role = security_manager.find_role("Admin")
        user = security_manager.add_user(
            ADMINISTRATOR, "管理员", "", f"{ADMINISTRATOR}@wangting.invalid", role, password=password
        )
        is_new = is_new or place.given("WANGTING_SUPERSET_ADMIN_PASSWORD") is None
    elif place.given("WANGTING_SUPERSET_ADMIN_PASSWORD"):
        security_manager.reset_password(user.id, password)
    db.session.commit()
    return user, password if is_new else None
