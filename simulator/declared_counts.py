"""How many records does the platform believe to have produced? Its own daily counts, some of them wrong on purpose.

A record counts on the day of its time in its newest version, or of its writing where it has none, for the department of
its application. The platform keeps the counts of the days from FROM on, and publishes those that changed.
"""

from datetime import date
from pathlib import Path

import duckdb

from simulator.record_columns import RECORDS
from wangting.engine import literal

FROM = date(2017, 11, 1)
# On these days of a month one department believes in records of acceptance that it never wrote down.
WRONG_DAYS, WRONG_RECORD, WRONG_BY = (7, 17, 27), "EX_GDBS_SL", 2
TABLE = "day date, unit_code text, record text, declared integer, published_at timestamp"


def _counted() -> str:
    """PostgreSQL: (day, unit_code, record, produced) of everything that stands in the platform's tables."""
    parts = []
    for name, record in RECORDS.items():
        if name == "sbcl":
            continue
        keys, time = ", ".join(column.lower() for column in record.key), record.at.lower()
        rows = f"select sblsh, coalesce({time}, inserttime)::date as day from ex_gdbs_{name}"
        parts.append(
            f"select sblsh, day, '{record.record}' as record from ("
            f"select distinct on ({keys}) sblsh, coalesce({time}, inserttime)::date as day from ex_gdbs_{name}"
            f" where greatest(inserttime, {time}) >= '{FROM}' and coalesce(trim(sblsh), '') <> ''"
            f" order by {keys}, version desc, inserttime desc) as newest"
            f" union all select null, day, '{record.record}' from ({rows}"
            f" where greatest(inserttime, {time}) >= '{FROM}' and coalesce(trim(sblsh), '') = '') as nameless"
        )
    return f"""
        with records as ({" union all ".join(parts)}),
        units as (
            select distinct on (sblsh) sblsh, coalesce(sbbmzzjgdm, '') as unit_code from ex_gdbs_sb
            where sblsh in (select sblsh from records) order by sblsh, version desc, inserttime desc
        )
        select day, coalesce(unit_code, '') as unit_code, record, count(*)::integer as produced
        from records left join units using (sblsh) where day >= '{FROM}' group by 1, 2, 3"""


def publish(connection: duckdb.DuckDBPyConnection, until: str, truth: Path) -> int:
    """Publish the counts that changed, and write the truth about all of them; how many were published.

    Args:
        until: the moment of publishing, an SQL timestamp. The platform's database is attached.
        truth: the folder of the truth files; `declared.parquet`: day, unit_code, record, declared, produced.
    """
    wrong_days = ", ".join(map(str, WRONG_DAYS))
    connection.execute(f"""
        create or replace temp table counted as
        select
            day, unit_code, record, produced,
            produced + case when record = '{WRONG_RECORD}' and day(day) in ({wrong_days})
                and unit_code = min(unit_code) over (partition by day, record) then {WRONG_BY} else 0 end as declared
        from postgres_query('unified_platform', {literal(_counted())})""")
    connection.execute("""
        create or replace temp table published as
        select day, unit_code, record, arg_max(declared, published_at) as declared
        from postgres_query('unified_platform', 'select * from declared_counts') group by 1, 2, 3""")
    published = connection.execute(f"""
        insert into unified_platform.public.declared_counts
        select day, unit_code, record, coalesce(counted.declared, 0)::integer, {until}
        from counted full join published using (day, unit_code, record)
        where coalesce(counted.declared, 0) is distinct from published.declared""").fetchone()
    path, draft = truth / "declared.parquet", truth / "declared.parquet.new"
    connection.execute(
        f"copy (select day, unit_code, record, declared, produced from counted) to {literal(draft)}"
        " (format parquet, compression zstd)"
    )
    draft.replace(path)
    return int(published[0]) if published else 0
