"""The worked examples with the figures that an office would accept, fed through the front door.

Items are listed by a catalogue over HTTP, cases are rows in the platform's own PostgreSQL; they are pulled, built,
judged, pushed and published by the commands, and the figures are read by `wangting metric`. Each example has a unit of
its own. March 2017 unless stated; the house's clock stands at 5 January 2018.
"""

import json
from datetime import date, datetime
from types import SimpleNamespace

import duckdb
import pytest
from typer.testing import CliRunner

from tests.e2e import source_systems
from tests.e2e.city import City
from tests.e2e.written_cases import HALL, ONLINE, POST, WINDOW, Case, ended, item, march, then
from wangting import engine
from wangting.cli import application

pytestmark = pytest.mark.e2e
RATES, ITEMS, DECLARED, MEASURED, PROCESS, CALENDAR, SUSPENSION = (
    "069237575",  # 教育局
    "069554335",  # 民政局
    "069950282",  # 环境保护局
    "070029474",  # 住房和城乡建设局
    "070346234",  # 林业局
    "070821373",  # 外事侨务局
    "069633527",  # 潮州市司法局
)


def rates():
    """X is 全流程, Y is not."""
    x, y = item("甲类许可", RATES), item("乙类许可", RATES, depth=2)
    service = item("公共服务", RATES, licence=False)
    counted = [
        ended(x, ONLINE, "0"), ended(x, ONLINE, "6"), ended(x, WINDOW, "0"),
        ended(y, ONLINE, "1"), ended(y, WINDOW, "7"), ended(y, POST, "0"),
    ]  # fmt: skip
    left_out = [
        ended(x, ONLINE, "3"),
        Case(x, ONLINE, march(6), accepted=march(7), refused=True, closed=march(8), result="1"),
        ended(x, ONLINE, "0", closed=datetime(2017, 4, 1)),
        ended(service, ONLINE, "6"),
    ]
    return [x, y, service], counted + left_out


def items():
    """As of 31 March."""
    parent = item("父事项", ITEMS)
    s = then(item("至十五日为全流程的事项", ITEMS), date(2017, 3, 16), visit_limit=2)
    listed = [
        parent,
        item("子事项一", ITEMS, visits=1, parent_item_code=parent.code),
        item("子事项二", ITEMS, depth=2, parent_item_code=parent.code),
        item("零次事项", ITEMS, visits=0),
        item("不能网上办的事项", ITEMS, is_online=False),
        s,
        item("未进驻事项", ITEMS, is_settled=False),
        item("二十日取消的事项", ITEMS, until=date(2017, 3, 20)),
    ]
    case = Case(s, ONLINE, march(10), accepted=march(11), approved=march(24), closed=march(25), result="6")
    return listed, [case]


def declared_visits():
    """Five items, by their declared visits."""
    return [item(f"申报到现场{n}次的事项", DECLARED, visits=n) for n in (0, 1, 1, 2, 3)], []


def measured_visits():
    """Six cases, by what really happened."""
    made = item("实测事项", MEASURED)
    cases = {
        "a": ended(
            made, ONLINE, "0", supplements=[(march(6, 11), march(6, 15), "网上")], collected=march(21), way=POST
        ),
        "b": ended(
            made, ONLINE, "0", closed=march(8, 15), supplements=[(march(6, 11), march(8, 9), HALL)],
            collected=march(8, 16), way=WINDOW,
        ),
        "c": ended(
            made, ONLINE, "0", supplements=[(march(6, 11), march(7, 9), HALL)], collected=march(21), way=WINDOW
        ),
        "d": ended(made, WINDOW, "0", collected=march(21), way=POST),
        "e": ended(made, ONLINE, "0"),
        "f": ended(made, ONLINE, "0", inspection=(march(8), march(9)), collected=march(21), way=ONLINE),
    }  # fmt: skip
    cases["b"].approved = march(8, 14)
    return [made], cases


def process():
    """p was supplemented and corrected; q's supplement never came."""
    made = item("流程事项", PROCESS)
    supplemented = [(march(7), march(9), HALL)]
    return [made], {
        "p": Case(
            made,
            WINDOW,
            march(6),
            march(10),
            supplements=supplemented,
            approved=march(14),
            closed=march(15),
            result="0",
        ),
        "q": Case(made, WINDOW, march(6), supplements=[(march(7), None, "")], closed=march(24), result="5"),
    }


def calendar():
    """Promised 5, statutory 10 working days, accepted on 27 September 2017."""
    made = item("承诺五个工作日的事项", CALENDAR, promised_limit=5, statutory_limit=10)
    accepted = datetime(2017, 9, 27, 10)
    return [made], [Case(made, WINDOW, accepted, accepted, promised=5)]


CALENDAR_DAYS = ("2017-10-09", "2017-10-11", "2017-10-18")


def suspension():
    """Promised 5, statutory 10 working days, accepted on 6 March: two overlapping suspensions, and one alone."""
    made = item("停计事项", SUSPENSION, promised_limit=5, statutory_limit=10)
    same = {"accepted": march(6, 11), "promised": 5}
    return [made], {
        "both": Case(
            made, WINDOW, march(6), **same, supplements=[(march(8), march(14), "网上")],
            inspection=(march(10), march(16)), approved=march(24, 9), closed=march(24), result="6",
        ),
        "limited": Case(
            made, WINDOW, march(6), **same, inspection=(march(8), march(14)), inspection_limit=3, approved=march(16, 9),
            closed=march(16), result="6",
        ),
    }  # fmt: skip


@pytest.fixture(scope="module")
def office(tmp_path_factory):
    """All examples: p as it stood on 16 March, then everything; pulled, built, pushed and published."""
    folder = tmp_path_factory.mktemp("worked")
    home = folder / "var"
    home.mkdir()
    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.setenv("WANGTING_HOME", str(home))
    _set_clock(home, "2017-03-16T09:00:00")
    site = source_systems.site(folder / "site", "2017-03-01 00:00:00")
    monkeypatch.setenv("WANGTING_SITE", str(site))
    house = City(home)
    systems = source_systems.SourceSystems(home)
    try:
        made, processed = process()
        measured_items, measured = measured_visits()
        suspended_items, suspended = suspension()
        listed = [*made, *measured_items, *suspended_items]
        cases = [processed["q"], *measured.values(), *suspended.values()]
        calendar_items, (calendar_case,) = calendar()
        listed += calendar_items
        calendar_rows = list(calendar_case.rows())
        for example in (rates, items, declared_visits):
            more_items, more_cases = example()
            listed += more_items
            cases += more_cases
        systems.list_items([version for one in listed for version in one.versions])
        p = processed["p"]
        first = [row for row in p.rows() if row[0] != "ex_gdbs_bj"]
        systems.write([*first, ("ex_gdbs_bj", p.closing(zjbh=None))], entered=march(15, 16))
        house.run("pull")
        house.run("exchange")
        before = findings(home)
        systems.write([("ex_gdbs_bj", p.closing(2))], entered=march(20))
        systems.write(calendar_rows, entered=datetime(2017, 9, 27, 11))
        states = {}
        for day in CALENDAR_DAYS:
            _set_clock(home, f"{day}T09:00:00")
            if not states:
                house.run("pull")
            house.run("build", "warehouse")
            states[day] = state_of(home, CALENDAR)
        _set_clock(home, "2018-01-05T09:00:00")
        systems.write([row for case in cases for row in case.rows()], entered=datetime(2018, 1, 4))
        house.do_everything()
        with engine.connect(home / "releases" / "current" / "marts.duckdb", read_only=True) as marts:
            found = SimpleNamespace(first=before, then=findings(home) - before)
            yield SimpleNamespace(
                house=house,
                marts=marts,
                found=found,
                measured=measured,
                processed=processed,
                suspended=suspended,
                states=states,
            )
    finally:
        systems.stop()
        monkeypatch.undo()


def state_of(home, unit):
    """How the unit's open case stands in the marts that the last build left."""
    with engine.connect(home / "lanes" / "warehouse" / "marts.duckdb", read_only=True) as marts:
        return marts.execute(
            "select clock_state, promised_rest_days from fct_open_cases where unit_code = ?", [unit]
        ).fetchone()


def findings(home):
    """All that the gate has found: (record, record key, version, rule)."""
    files = [str(file) for file in home.glob("verdicts/*/findings.parquet")]
    return set(
        duckdb.sql(f"select record, record_key, version, rule_id from read_parquet({files})").fetchall()
    )


def _set_clock(home, now):
    (home / "clock.json").write_text(json.dumps({"now": now}), "utf-8")


def shown(office, code, unit, variant="V1", subject="licence"):
    """What `wangting metric` says of a unit in March 2017: numerator, denominator, and the value as people read it."""
    asked = ["--period", "2017-03", "--unit", unit, "--variant", variant, "--subject", subject]
    done = CliRunner().invoke(application(), ["metric", code, *asked, "--json"], catch_exceptions=False)
    said = json.loads(done.stdout)
    return said["numerator"], said["denominator"], said["value"]


def volume(office, unit, subject="licence"):
    """业务量 of March 2017."""
    return shown(office, "business_volume", unit, subject=subject)[0]


def test_rates(office):
    assert volume(office, RATES) == 6
    assert shown(office, "online_application_rate", RATES) == (3, 6, "50.00 %")
    assert shown(office, "online_closing_rate", RATES) == (2, 6, "33.33 %")


def test_rates_keep_public_services_apart(office):
    assert volume(office, RATES, "public_service") == 1
    assert shown(office, "online_application_rate", RATES, subject="public_service") == (1, 1, "100.00 %")


def test_a_case_closed_in_the_first_second_of_april_counts_in_april(office):
    assert office.marts.execute(
        "select numerator from metric_values where metric_code = 'business_volume' and scope_code = ?"
        " and subject = 'licence' and period = '2017-04'",
        [RATES],
    ).fetchall() == [(1,)]


def test_items_as_of_the_end_of_march(office):
    assert shown(office, "full_online_item_rate", ITEMS) == (2, 5, "40.00 %")


def test_a_case_of_an_item_that_was_full_online_when_applied_for_is_closed_online(office):
    assert shown(office, "online_closing_rate", ITEMS) == (1, 1, "100.00 %")


def test_declared_visits(office):
    assert shown(office, "visits_at_most_one_rate", DECLARED) == (3, 5, "60.00 %")
    assert shown(office, "visits_zero_rate", DECLARED) == (1, 5, "20.00 %")


def test_measured_visits_case_by_case(office):
    counted = dict(
        office.marts.execute(
            "select case_no, visit_count from fct_cases where unit_code = ?", [MEASURED]
        ).fetchall()
    )
    assert {name: counted[case.number] for name, case in office.measured.items()} == {
        "a": 0, "b": 1, "c": 2, "d": 1, "e": None, "f": 0
    }  # fmt: skip


def test_measured_visits_of_cases_applied_for_online(office):
    assert shown(office, "visits_at_most_one_rate", MEASURED, "V2_online") == (3, 5, "60.00 %")
    assert shown(office, "visits_zero_rate", MEASURED, "V2_online") == (2, 5, "40.00 %")
    assert office.marts.execute(
        "select distinct unknown_count from metric_values where variant = 'V2_online' and scope_code = ?"
        " and period = '2017-03' and subject = 'licence'",
        [MEASURED],
    ).fetchall() == [(1,)]


def test_measured_visits_of_all_six_cases(office):
    assert shown(office, "visits_at_most_one_rate", MEASURED, "V2") == (4, 6, "66.67 %")
    assert shown(office, "visits_zero_rate", MEASURED, "V2") == (2, 6, "33.33 %")


def test_calendar_the_limits_end_on_the_right_working_days(office):
    assert office.marts.execute(
        "select promised_due_on, statutory_due_on from fct_cases where unit_code = ?", [CALENDAR]
    ).fetchall() == [(date(2017, 10, 10), date(2017, 10, 17))]


def test_calendar_thirty_september_works_and_the_first_week_of_october_does_not(office):
    days = dict(
        office.marts.execute(
            "select day(date_on), is_working_day from dim_dates where date_on between '2017-09-30' and '2017-10-09'"
        ).fetchall()
    )
    assert days == {30: True, **dict.fromkeys(range(1, 9), False), 9: True}


def test_calendar_it_warns_on_9_october_is_late_from_the_11th_and_unlawful_from_the_18th(office):
    assert office.states == {
        "2017-10-09": ("warning", 1),
        "2017-10-11": ("past_promised", -1),
        "2017-10-18": ("past_statutory", -6),
    }


def test_calendar_an_open_case_shows_how_far_past_its_limits_it_is(office):
    # 5 January 2018: 62 working days since 10 October 2017 (16 + 22 + 21 in their months, and 3), 57 since the 17th.
    found = office.marts.execute(
        "select promised_rest_days, statutory_rest_days, clock_state from fct_open_cases where unit_code = ?",
        [CALENDAR],
    ).fetchall()
    assert found == [(-62, -57, "past_statutory")]


def test_suspension_overlapping_suspensions_move_the_limits_by_their_union(office):
    found = office.marts.execute(
        "select promised_due_on, statutory_due_on, stopped_working_days, is_closed_on_time, is_closed_within_statutory"
        " from fct_cases where case_no = ?",
        [office.suspended["both"].number],
    ).fetchall()
    # Past the promised limit and within the statutory one is what a yellow card says.
    assert found == [(date(2017, 3, 22), date(2017, 3, 29), 7, False, True)]


def test_suspension_one_with_a_limit_moves_the_due_date_by_its_limit_only(office):
    found = office.marts.execute(
        "select promised_due_on, stopped_working_days, is_closed_on_time from fct_cases where case_no = ?",
        [office.suspended["limited"].number],
    ).fetchall()
    assert found == [(date(2017, 3, 16), 3, True)]


def test_process_p_counts_once_and_q_does_not(office):
    assert volume(office, PROCESS) == 1
    counted = dict(
        office.marts.execute(
            "select case_no, is_business_volume from fct_cases where unit_code = ?", [PROCESS]
        ).fetchall()
    )
    assert counted == {office.processed["p"].number: True, office.processed["q"].number: False}


def test_process_the_second_version_of_ps_closing_mends_the_fault_and_goes(office):
    p = office.processed["p"].number
    assert office.found.first == {("EX_GDBS_BJ", p, 1, "C3.licence_details")}
    sent = {
        version
        for record, key, version in office.house.province_records()
        if (record, key) == ("EX_GDBS_BJ", p)
    }
    assert sent == {2}


def test_process_q_has_no_missing_stage_and_is_pushed(office):
    q = office.processed["q"].number
    sent = {record for record, key, _ in office.house.province_records() if key.partition("|")[0] == q}
    assert sent == {"EX_GDBS_SB", "EX_GDBS_BJGZ", "EX_GDBS_BJ"}


def test_the_gate_finds_nothing_in_what_was_written_correctly(office):
    # The examples give days, not times of day: many cases of a unit are written down with one and the same second.
    assert {rule for *_, rule in office.found.then} <= {"L3.bulk_entry"}
