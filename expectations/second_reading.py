"""The same rules as one DuckDB query a record type: the second, independent reading that the gate is held against."""

from pathlib import Path

import duckdb

from expectations.compiling import Judgement, judgements
from expectations.model import Specification


def query(specification: Specification, record: str, relation: str) -> str:
    """SQL over `relation` (the exchange records of one type): one row a bad record, `broken` listing what it breaks.

    The numbers are positions in `judgements(specification, record)`; where several checks of a field stand for one
    rule, the first one's.
    """
    together: dict[tuple[str, str], list[str]] = {}
    numbers: dict[tuple[str, str], int] = {}
    for at, each in enumerate(judgements(specification, record)):
        numbers.setdefault((each.rule_id, each.field), at)
        together.setdefault((each.rule_id, each.field), []).append(f"coalesce({each.check.bad_sql()}, false)")
    conditions = {numbers[rule]: " or ".join(checks) for rule, checks in together.items()}
    anything = "\n    or ".join(conditions.values())
    listed = ",\n    ".join(f"case when {condition} then {at} end" for at, condition in conditions.items())
    return f"""
select record_key, list_filter([{listed}], x -> x is not null) as broken
from (select * from {relation} where {anything}) as suspects
"""


def broken_rules(
    specification: Specification, record: str, path: Path, connection: duckdb.DuckDBPyConnection | None = None
) -> set[tuple[str, str, str]]:
    """(record key, rule id, field) of every broken rule in a Parquet file of one record type."""
    con = connection or duckdb.connect()
    rules: list[Judgement] = judgements(specification, record)
    relation = "read_parquet('" + str(path).replace("'", "''") + "')"
    rows = con.execute(query(specification, record, relation)).fetchall()
    return {(key, rules[at].rule_id, rules[at].field) for key, broken in rows for at in broken}
