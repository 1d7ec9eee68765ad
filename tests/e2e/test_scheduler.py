"""The real scheduler: triggered through the REST API, and by the asset that a load announces."""

import json
import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.e2e.city import City
from tests.servers import free_port, wait_for

pytestmark = pytest.mark.e2e
AIRFLOW = str(Path(sys.executable).parent / "airflow")


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    made = City(tmp_path_factory.mktemp("scheduler") / "var")
    made.run("simulate", "up", "--cases", "1000")
    yield made
    made.run("simulate", "down")


@pytest.fixture(scope="module")
def airflow(city):
    """api-server, scheduler and dag-processor as processes of their own; a client that is logged in."""
    port = free_port()
    environment = city.environment | json.loads(
        subprocess.run(
            [
                sys.executable,
                "-c",
                "import json; from wangting.orchestration import airflow_environment as e; print(json.dumps(e()))",
            ],
            env=city.environment,
            text=True,
            capture_output=True,
            check=True,
        ).stdout
    )
    environment |= {
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK": "False",
        "AIRFLOW__API_AUTH__JWT_SECRET": os.urandom(16).hex(),
        "WANGTING_RETRIES": "1",
        "WANGTING_RETRY_SECONDS": "1",
    }
    prepared = subprocess.run(
        [sys.executable, "-c", "from dags.in_one_process import prepare; prepare()"],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert prepared.returncode == 0, prepared.stderr[-3000:]
    log = (city.home / "airflow" / "processes.log").open("wb")
    processes = [
        subprocess.Popen([AIRFLOW, *command], env=environment, stdout=log, stderr=log, start_new_session=True)
        for command in (
            ["api-server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"],
            ["scheduler"],
            ["dag-processor"],
        )
    ]
    try:
        yield log_in(city, port)
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
        log.close()


def log_in(city, port):
    url = f"http://127.0.0.1:{port}"
    client = httpx.Client(base_url=url, timeout=20)
    passwords = city.home / "airflow" / "simple_auth_manager_passwords.json.generated"

    def token():
        known = json.loads(passwords.read_text())
        answer = client.post("/auth/token", json={"username": "admin", "password": known["admin"]})
        return answer.json()["access_token"]

    client.headers["Authorization"] = f"Bearer {wait_for('api-server', 120, token)}"
    return client


def test_a_load_triggered_through_the_api_succeeds_and_wakes_the_push(airflow, city):
    for dag in ("ingest__item_catalogue", "exchange__push"):
        wait_for(
            f"DAG {dag}",
            90,
            lambda dag=dag: (
                airflow.patch(f"/api/v2/dags/{dag}", json={"is_paused": False}).status_code == 200 or None
            ),
        )
    started = airflow.post(
        "/api/v2/dags/ingest__item_catalogue/dagRuns", json={"logical_date": None, "conf": {}}
    )
    assert started.status_code == 200, started.text
    run = started.json()["dag_run_id"]

    def ended(dag, run):
        state = airflow.get(f"/api/v2/dags/{dag}/dagRuns/{run}").json()["state"]
        return state if state in ("success", "failed") else None

    assert wait_for("ingest", 120, lambda: ended("ingest__item_catalogue", run)) == "success"
    sources = {source["source"]: source for source in city.run("sources")}
    assert sources["item_catalogue"]["rows"] > 0

    def woken():
        runs = airflow.get("/api/v2/dags/exchange__push/dagRuns").json()["dag_runs"]
        triggered = [run for run in runs if run["run_type"] == "asset_triggered"]
        return ended("exchange__push", triggered[0]["dag_run_id"]) if triggered else None

    assert wait_for("exchange__push", 180, woken) == "success"
