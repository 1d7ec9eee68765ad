"""What the DAGs share: owners, retries, the pools, and the environment in which Airflow finds the house."""

import os
from datetime import datetime, timedelta, timezone
from typing import Any

from wangting import settings

HOUSE = "数据仓库运维"
ANNOUNCE = datetime(2013, 1, 1, tzinfo=timezone(timedelta(hours=8)))  # the first plan; nothing is caught up

# One writer a file (the operating-system locks see to it); the pools keep the queue in Airflow's own view.
POOLS = {
    "landing": (2, "two pulls at once: a source and the disk are busy, not the processor"),
    "warehouse": (1, "one writer of warehouse.duckdb"),
    "exchange": (1, "one writer of exchange.duckdb"),
    "watch": (1, "alarms must not wait for a long push"),
}


def settings_of_a_dag(*tags: str, owner: str = HOUSE) -> dict[str, Any]:
    """What every DAG of ours is made with: one run at a time, nothing caught up, its owner and retries.

    `WANGTING_RETRIES` and `WANGTING_RETRY_SECONDS` set the retries of a task.
    """
    return {
        "start_date": ANNOUNCE,
        "catchup": False,
        "max_active_runs": 1,
        "tags": list(tags),
        "default_args": {
            "owner": owner,
            "retries": int(os.environ.get("WANGTING_RETRIES", "2")),
            "retry_delay": timedelta(seconds=float(os.environ.get("WANGTING_RETRY_SECONDS", "60"))),
        },
    }


def airflow_environment() -> dict[str, str]:
    """The variables under which Airflow runs on this home; its metadata in SQLite unless the environment differs.

    `WANGTING_AIRFLOW_DATABASE_URL` (or its file, see `settings.given`) names another database.
    """
    folder = settings.home() / "airflow"
    folder.mkdir(exist_ok=True)
    mine = {
        "AIRFLOW_HOME": str(folder),
        "AIRFLOW__CORE__DAGS_FOLDER": str(settings.REPOSITORY / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": "2",
        # Patience for another's write: after SQLite's usual five seconds a scheduler on a busy machine would give up.
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{folder / 'airflow.db'}?timeout=60",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(folder / "logs"),
        "AIRFLOW__LOGGING__FILE_TASK_HANDLER_NEW_FOLDER_PERMISSIONS": "0o700",
        "AIRFLOW__LOGGING__FILE_TASK_HANDLER_NEW_FILE_PERMISSIONS": "0o600",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "WANGTING_HOME": str(settings.home()),
        "WANGTING_SITE": str(settings.site_path()),
    }
    if database := settings.given("WANGTING_AIRFLOW_DATABASE_URL"):
        mine["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = database
        # Airflow's own guess is a driver that the house does not have.
        mine["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC"] = database.replace("+psycopg:", "+psycopg_async:")
    return {name: os.environ.get(name, value) for name, value in mine.items()} | {
        name: mine[name] for name in ("WANGTING_HOME", "WANGTING_SITE", "AIRFLOW_HOME")
    }
