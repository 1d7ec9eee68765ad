"""Bring the exchange records up to date, judge what is new and push what may go."""

from airflow.sdk import DAG, Asset, AssetAny, AssetOrTimeSchedule, CronTriggerTimetable, task

from wangting.orchestration import settings_of_a_dag
from wangting.site import current_site

with DAG(
    dag_id="exchange__push",
    schedule=AssetOrTimeSchedule(
        # When anything lands; every ten minutes for what waits: a retry, a receiver that comes back, a date.
        assets=AssetAny(
            *(Asset(f"landing/{source.name}") for source in current_site().sources if not source.of_the_house)
        ),
        timetable=CronTriggerTimetable("*/10 * * * *", timezone=current_site().zone),
    ),
    doc_md="数据交换：整理、检验、推送，最晚不超过 12 小时",
    **settings_of_a_dag("exchange"),
):

    @task.short_circuit(pool="exchange")
    def ask() -> list[str]:
        """Ask the ledger whether there is anything to do; a run without work ends here."""
        from exchange.work import work

        return work().reasons

    @task(pool="exchange")
    def build() -> dict[str, object]:
        """Bring the exchange records up to date."""
        from wangting.build import build

        return build("exchange").summary()

    @task(pool="exchange")
    def cut() -> dict[str, object]:
        """Set apart what is new or to be judged again."""
        from exchange.cut import cut

        return cut().summary()

    @task(pool="exchange")
    def gate() -> list[dict[str, object]]:
        """Judge every batch not yet judged and hand it to the outbox."""
        from exchange.passage import judge_and_enqueue

        return [summary.summary() for summary in judge_and_enqueue()]

    @task(pool="exchange", outlets=[Asset("exchange/province")])
    def push() -> dict[str, object]:
        """Send what may go, in the order of the stages, and keep every receipt."""
        from exchange.push import push

        return push().summary()

    ask() >> build() >> cut() >> gate() >> push()
