"""The generator's own promises: the same city again, no accident, every planted fault where it says."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import independent_rules as rules
import numpy as np
import pyarrow as pa
import pytest
from wording import SITE, UNTIL, make

from simulator import city as simulated
from simulator import fault_kinds, places, record_columns, truth, workdays
from simulator.city import City
from wangting import specification as layers

SPECIFICATION = layers.read(layers.in_force(date(2017, 11, 30)))
TABLE_OF = {record.record: name for name, record in record_columns.RECORDS.items()}


def _expected(worded: City) -> set[tuple[str, str, str]]:
    rows = worded.connection.execute(
        f"select record, case_no, unnest(expected_rules) from ({truth.record_rows(UNTIL)}) where is_latest"
    ).fetchall()
    return {(TABLE_OF[record], case, rule) for record, case, rule in rows}


@pytest.fixture(scope="session")
def found(worded: City) -> set[tuple[str, str, str]]:
    rules.prepare(worded.connection)
    worded.connection.register("regions", pa.table({"region_code": list(places.regions(SITE))}))
    return rules.violations(worded.connection, str(simulated.START))


def test_no_rule_is_violated_by_accident(worded: City, found: set[tuple[str, str, str]]) -> None:
    assert found - _expected(worded) == set()


def test_every_planted_fault_breaks_the_rules_that_the_truth_names(
    worded: City, found: set[tuple[str, str, str]]
) -> None:
    assert _expected(worded) - found == set()


def test_a_city_without_faults_breaks_no_rule(wording_home: Path) -> None:
    sound = make(wording_home, 2_000, 11, 0.0)
    rules.prepare(sound.connection)
    sound.connection.register("regions", pa.table({"region_code": list(places.regions(SITE))}))
    assert rules.violations(sound.connection, str(simulated.START)) == set()


def test_at_least_twelve_kinds_of_fault_are_planted_and_they_cover_all_families(worded: City) -> None:
    kinds = {
        name
        for (name,) in worded.connection.execute(
            f"select defect_kind from ({truth.defect_rows(UNTIL)})"
        ).fetchall()
    }
    assert len(kinds) >= 12
    families = {rule.split(".")[0] for kind in fault_kinds.KINDS for rule in kind.rules}
    assert families == {"C1", "C2", "C3", "N1", "N2", "N3", "N4", "L1", "L2", "L3", "U1"}
    assert sum(not kind.gate_sees for kind in fault_kinds.KINDS) >= 2


def test_the_number_of_cases_until_the_start_clock_is_exact(worded: City) -> None:
    row = worded.connection.execute(f"select count(*) from plan where at_sb <= {UNTIL}").fetchone()
    assert row == (2_000,)


def test_the_same_seed_gives_the_same_city_and_another_seed_another(worded: City, wording_home: Path) -> None:
    query = (
        "select md5(string_agg(sblsh || last_seen::varchar || defect::varchar, '' order by sblsh)) from plan"
    )
    first = worded.connection.execute(query).fetchone()
    assert make(wording_home, 2_000, 7, 0.1).connection.execute(query).fetchone() == first
    assert make(wording_home, 2_000, 8, 0.1).connection.execute(query).fetchone() != first


def test_case_numbers_are_unique_and_built_as_they_should(worded: City) -> None:
    row = worded.connection.execute(
        "select count(*) - count(distinct sblsh), bool_and(length(sblsh) = 29),"
        " bool_and(left(sblsh, 19) = left(sxbm, 19)), bool_and(seq between 1 and 9999) from plan"
    ).fetchone()
    assert row == (0, True, True, True)


def test_nobody_applies_twice_for_one_item_on_a_day_and_no_unit_enters_in_bulk(worded: City) -> None:
    unplanted = "happened_sb where _case_id not in (select case_id from plan where together > 0)"
    again = f"select 1 from {unplanted} group by SQRZJHM, SXBM, SBSJ::date having count(*) > 1"
    assert worded.connection.execute(again).fetchall() == []
    bulk = f"select 1 from {unplanted} group by SBBMZZJGDM, SBSJ having count(*) > 3"
    assert worded.connection.execute(bulk).fetchall() == []


def test_a_record_is_seen_after_it_happened_and_after_its_parent_unless_planted(worded: City) -> None:
    before = worded.connection.execute(
        "select count(*) from plan where defect < 0 and (seen_sb < at_sb or seen_sl < seen_sb or seen_bj < seen_sl"
        " or seen_lqdj < seen_bj or seen_sp2 < seen_sp1 or seen_bj < seen_sp3)"
    ).fetchone()
    assert before == (0,)


def test_a_follow_up_names_a_forwarded_case_of_the_same_applicant(worded: City) -> None:
    row = worded.connection.execute(
        "select count(*), bool_and(o.result = 4), bool_and(o.pid = f.pid), bool_and(f.at_sb > o.at_bj)"
        " from plan f join plan o on o.sblsh = f.origin_no where f.origin_id >= 0"
    ).fetchone()
    assert row is not None and row[0] >= 3 and row[1:] == (True, True, True)


@pytest.mark.parametrize("name", list(record_columns.RECORDS))
def test_a_table_has_exactly_the_columns_of_the_specification(name: str) -> None:
    fields = SPECIFICATION[f"ex_gdbs_{name}.yml"].content["fields"]
    if name == "sbcl":  # of materials the platform lists no more than what they are
        fields = {field: fields[field] for field in record_columns.RECORDS[name].columns}
    kinds = {"text": "text", "time": "timestamp", "integer": "integer", "number": "numeric(16,2)"}
    record = record_columns.RECORDS[name]
    assert {column: record.type_of(column) for column in record.columns} == {
        field: kinds[facts["type"]] for field, facts in fields.items()
    }
    assert list(record.columns) == list(fields)


def test_the_calendar_agrees_with_an_independent_one_on_every_day() -> None:
    import chinese_calendar

    def days() -> Iterator[date]:
        day = workdays.FIRST
        while day <= workdays.LAST:
            yield day
            day += timedelta(days=1)

    ours = workdays.is_working(np.array([workdays.day_number(day) for day in days()]))
    assert ours.tolist() == [chinese_calendar.is_workday(day) for day in days()]


def test_the_shares_of_full_online_items_stand_near_the_targets(worded: City) -> None:
    shares = dict(
        worded.connection.execute(
            "select case when level_code = 'municipal' then 'municipal' else 'county' end,"
            " avg(is_full_online::int) from versions where valid_to is null and is_settled"
            " and code not in (select parent_code from versions where parent_code is not null) group by 1"
        ).fetchall()
    )
    assert 0.65 < shares["municipal"] < 0.82
    assert 0.5 < shares["county"] < 0.7
