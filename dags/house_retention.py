"""Clear every night what holds personal data and is older than the site keeps it."""

from airflow.sdk import DAG, CronTriggerTimetable, task

from wangting.orchestration import settings_of_a_dag
from wangting.site import current_site

with DAG(
    dag_id="house__retention",
    # After the night's reconciliation.
    schedule=CronTriggerTimetable("30 3 * * *", timezone=current_site().zone),
    doc_md="留存：到期的批次只留登记信息，清除旧的校验发现和原始文件，收紧文件权限",
    **settings_of_a_dag("house"),
):

    @task(pool="exchange")
    def clear() -> dict[str, object]:
        """Clear what is due and close what others could read."""
        from exchange.retention import retain

        return retain().summary()

    clear()
