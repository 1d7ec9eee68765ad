"""Who may log in where, and where the password stands; never the password itself."""

from operation import airflow
from wangting import settings


def logins() -> list[dict[str, str]]:
    """System, user name and the place of the password, a row a system."""
    return [
        {"system": "调度平台（Airflow）", "user": airflow.USER, "password": str(airflow.password_file())},
        {
            "system": "看板（Superset）",
            "user": "admin",
            "password": str(settings.home() / "superset" / "admin.password"),
        },
    ]
