"""Build the warehouse lane from what landed, and publish what passed its tests."""

from airflow.sdk import DAG, Asset, AssetOrTimeSchedule, CronTriggerTimetable, task

from wangting.orchestration import settings_of_a_dag
from wangting.site import current_site

with DAG(
    dag_id="warehouse__build",
    schedule=AssetOrTimeSchedule(
        # Once all have landed, and every hour also while one is down: the others' news must not wait for it.
        assets=[Asset(f"landing/{source.name}") for source in current_site().sources],
        timetable=CronTriggerTimetable("0 * * * *", timezone=current_site().zone),
    ),
    doc_md="办件、事项与指标：构建、检验、发布",
    **settings_of_a_dag("warehouse"),
):

    @task(pool="warehouse")
    def build() -> dict[str, object]:
        """Bring facts, dimensions and metrics up to date."""
        from wangting.build import build

        return build("warehouse").summary()

    @task(pool="warehouse", outlets=[Asset("releases/current")])
    def publish() -> str:
        """Switch readers to the new marts."""
        from wangting.publish import publish

        return publish().name

    build() >> publish()
