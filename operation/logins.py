"""Who may log in where, and where the password stands; never the password itself."""

import os
from collections.abc import Iterable

from operation import airflow
from operation.services import declared
from wangting import settings

_ADMINISTRATOR = "admin"  # of Superset; its bootstrap makes it


def logins(services: Iterable[str]) -> list[dict[str, str]]:
    """System, user name and the place of the password, a row a system among `services`.

    `WANGTING_LOGINS_IN` names the folder of the secrets, where containers were given them.
    """
    given, wanted = os.environ.get("WANGTING_LOGINS_IN"), set(services)
    places = {
        "airflow-api-server": (airflow.USER, airflow.password_file(), "wangting_airflow_password"),
        "superset": (
            _ADMINISTRATOR,
            settings.home() / "superset" / "admin.password",
            "wangting_superset_admin_password",
        ),
    }
    titles = {name: service.title for name, service in declared().items()}
    return [
        {"system": titles[name], "user": user, "password": f"{given}/{secret}" if given else str(file)}
        for name, (user, file, secret) in places.items()
        if name in wanted
    ]
