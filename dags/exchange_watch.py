"""Tell of what nears its 12 hours, and compare with the province every night."""

from airflow.sdk import DAG, Asset, CronTriggerTimetable, task

from wangting.orchestration import settings_of_a_dag
from wangting.site import current_site

_ZONE = current_site().zone

with DAG(
    dag_id="exchange__alarm",
    schedule=CronTriggerTimetable("5-59/10 * * * *", timezone=_ZONE),  # between the runs of the push
    doc_md="报警：临近 12 小时的记录、沉默的系统，通知一次，解除时再通知",
    **settings_of_a_dag("exchange"),
):

    @task(pool="watch", inlets=[Asset("exchange/province")], outlets=[Asset("exchange/alarms")])
    def tell() -> dict[str, object]:
        """Raise and clear alarms by the ledger, and tell what was not told yet."""
        from exchange.watch import look_and_tell

        return look_and_tell().summary()

    tell()

with DAG(
    dag_id="exchange__reconcile",
    schedule=CronTriggerTimetable("30 2 * * *", timezone=_ZONE),  # when offices and sources are quiet
    doc_md="对账：申报数、落地、切批、确认、读回逐日相比，列出缺少的办件",
    **settings_of_a_dag("exchange"),
):

    @task(pool="exchange", inlets=[Asset("exchange/province")], outlets=[Asset("exchange/stops")])
    def compare() -> dict[str, object]:
        """Compare the last days with the province; what differs becomes an alarm."""
        from exchange.reconcile import reconcile_lately

        return reconcile_lately().summary()

    compare()
