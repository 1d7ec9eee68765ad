"""Pull every system of the site on its own schedule and announce what landed."""

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

        @task(outlets=[Asset(f"landing/{source.name}")], pool="landing")
        def pull(table: str, source_name: str) -> dict[str, object]:
            """Land what is new in one table."""
            from ingestion import pull_table

            return pull_table(source_name, table).summary()

        pull.partial(source_name=source.name).expand(table=list(source.tables))
