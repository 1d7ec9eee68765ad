"""Freeze the figures of the month before, on the working day that the site declares."""

from airflow.sdk import DAG, Asset, CronTriggerTimetable, task

from wangting.orchestration import settings_of_a_dag
from wangting.site import current_site

with DAG(
    dag_id="warehouse__freeze",
    # Every morning, before offices open; on most days nothing is due.
    schedule=CronTriggerTimetable("30 7 * * *", timezone=current_site().zone),
    doc_md="月度冻结：每月头几个工作日把上月数字定下来，以后的变动另列",
    **settings_of_a_dag("warehouse"),
):

    @task(pool="warehouse", inlets=[Asset("releases/current")])
    def freeze() -> dict[str, object] | None:
        """Freeze what is due."""
        from wangting import clock, frozen

        month = frozen.due(clock.today())
        return None if month is None else frozen.freeze(month).summary()

    freeze()
