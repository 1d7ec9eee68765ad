"""Merge every night the small files of closed days and months."""

from airflow.sdk import DAG, CronTriggerTimetable, task

from wangting.orchestration import settings_of_a_dag
from wangting.site import current_site

with DAG(
    dag_id="house__compaction",
    # After midnight's last pulls, before the night's reconciliation.
    schedule=CronTriggerTimetable("30 1 * * *", timezone=current_site().zone),
    doc_md="合并落地文件：已结束的一天一个、一月一个，读者不受影响",
    **settings_of_a_dag("house"),
):

    @task(pool="landing")
    def merge() -> dict[str, object]:
        """Merge what is closed; delete what was replaced long enough ago."""
        from ingestion.compaction import compact
        from wangting.errors import WangtingError

        done = compact()
        if done.errors:
            raise WangtingError("；".join(error.rstrip("。") for error in done.errors))
        return done.summary()

    merge()
