"""Airflow under the house's settings: `python -m operation.airflow COMMAND …`; `prepare` readies its database first.

What differs between machines comes from the environment: `WANGTING_AIRFLOW_ADDRESS` (where the parts find the api
server), `WANGTING_AIRFLOW_DATABASE_URL` (otherwise SQLite in the home), and every variable of Airflow's own.
"""

import json
import os
import secrets
import sys
from pathlib import Path
from urllib.parse import urlsplit

from operation import keys
from wangting import settings
from wangting.orchestration import airflow_environment

USER = "admin"


def environment() -> dict[str, str]:
    """The variables of one of Airflow's parts; what the environment says already stands."""
    mine = airflow_environment()
    address = os.environ.get("WANGTING_AIRFLOW_ADDRESS", "http://127.0.0.1:8080")
    where = urlsplit(address)
    usual = {
        "AIRFLOW__API__HOST": where.hostname or "127.0.0.1",
        "AIRFLOW__API__PORT": str(where.port or 8080),
        "AIRFLOW__API__BASE_URL": address,
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{address}/execution/",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(password_file()),
        # Whoever brings the house up wants it to work: a DAG that is new to Airflow runs on its schedule.
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        # Two parses a minute of files that change with a release of the house cost more than they bring.
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "300",
        "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
        "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK": "False",  # asked through the api server, without a port of its own
    }
    drawn = {
        "AIRFLOW__API_AUTH__JWT_SECRET": "WANGTING_AIRFLOW_JWT_SECRET",
        "AIRFLOW__API__SECRET_KEY": "WANGTING_AIRFLOW_API_SECRET",
        "AIRFLOW__CORE__FERNET_KEY": "WANGTING_AIRFLOW_FERNET_KEY",
    }
    mine |= {name: os.environ.get(name, value) for name, value in usual.items()}
    return mine | {name: os.environ.get(name) or keys.kept(source) for name, source in drawn.items()}


def password_file() -> Path:
    """Where the password of Airflow's administrator stands (mode 0600)."""
    return settings.home() / "airflow" / "simple_auth_manager_passwords.json.generated"


def _give_password() -> None:
    """Write the password before Airflow makes one itself: it would print it into its log."""
    file = password_file()
    if not file.exists() or not file.read_text("utf-8").strip():
        password = settings.given("WANGTING_AIRFLOW_PASSWORD") or secrets.token_urlsafe(18)
        file.touch(mode=0o600)
        file.write_text(json.dumps({USER: password}) + "\n", "utf-8")


def prepare() -> None:
    """Migrate Airflow's database and make it fit for a scheduler.

    Runs in one process (`wangting run`) leave behind what a scheduler would stumble over: DAGs that were registered
    paused, a queue of events that have been dealt with, and, where they were killed, runs that say they still run and
    take up the one place of their DAG. What has truly landed and waits is found by the next scheduled run.
    """
    for folder in ("releases", "operation", "open-data", "logs"):
        (settings.home() / folder).mkdir(exist_ok=True)
    _give_password()
    from dags.in_one_process import prepare

    prepare()
    from airflow.jobs.job import Job
    from airflow.models.asset import AssetDagRunQueue
    from airflow.models.dag import DagModel
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session
    from airflow.utils.types import DagRunTriggeredByType
    from sqlalchemy import delete, exists, select, update

    with create_session() as session:
        session.execute(delete(AssetDagRunQueue))
        session.execute(
            update(DagRun)
            .where(DagRun.state == "running", DagRun.triggered_by == DagRunTriggeredByType.TEST)
            .values(state="failed")
        )
        # Afterwards a paused DAG is one that somebody has paused.
        if not session.scalar(select(exists().where(Job.job_type == "SchedulerJob"))):
            session.execute(update(DagModel).values(is_paused=False))


def main() -> None:
    """Become Airflow, or prepare it."""
    settings.home()
    os.environ.update(environment())
    if sys.argv[1:] == ["prepare"]:
        prepare()
        return
    program = Path(sys.executable).with_name("airflow")
    os.execv(program, [str(program), *sys.argv[1:]])


if __name__ == "__main__":
    main()
