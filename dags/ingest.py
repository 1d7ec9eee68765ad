"""Pull every system of the site on its own schedule, and announce what landed – only what landed."""

from airflow.sdk import DAG, Asset, task

from wangting.orchestration import settings_of_a_dag
from wangting.site import current_site

for source in current_site().sources:
    with DAG(
        dag_id=f"ingest__{source.name}",
        schedule=source.schedule,
        doc_md=source.title,
        **settings_of_a_dag("ingest", source.owner, owner=source.owner),
    ) as dag:
        # What reads the ledger comes after those who write it.
        written = ["exchange/province", "exchange/alarms", "exchange/stops"] if source.of_the_house else []

        @task(
            outlets=[Asset(f"landing/{source.name}")],
            inlets=[Asset(name) for name in written],
            pool="landing",
        )
        def pull(table: str, source_name: str) -> dict[str, object]:
            """Land what is new in one table; skipped, and so without an announcement, where there is nothing."""
            from airflow.sdk.exceptions import AirflowSkipException

            from ingestion import pull_if_available

            result = pull_if_available(source_name, table)
            if not result.rows:
                raise AirflowSkipException("；".join(result.warnings) or "无新数据")
            return result.summary()

        pull.partial(source_name=source.name).expand(table=list(source.tables))
