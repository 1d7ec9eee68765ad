"""The process marts on cases written by hand: paths, waits in working time, rework, handovers, suspensions."""

from datetime import date, datetime, timedelta

import duckdb
import pytest

from tests.dbt_project import states
from tests.dbt_project.landed import land, land_deletes
from tests.dbt_project.written import CITY_UNIT, COUNTY_UNIT, Case, item, item_code, moment
from wangting import clock
from wangting.build import build
from wangting.dbt_assembly import lane_file

pytestmark = pytest.mark.timeout(600)
PLATFORM = "unified_platform"


def _post(case, step, day, hour, post, **more):
    return case.spcl(step, day, hour, sprzwdm=post, spbmzzjdmd=CITY_UNIT) | more


def _at(case, **more):
    return {"sblsh": case.no, "sxbm": case.sb()["sxbm"], "version": 1, "inserttime": moment(1)} | more


@pytest.fixture(scope="module")
def cases(house):
    """Two builds: what came first, then the rest of the same cases."""
    straight, sent_back, suspended, abandoned = (Case(day=day, tjfs="0") for day in (1, 2, 6, 3))
    still = Case(COUNTY_UNIT, day=8, tjfs="0")
    catalogue = [item(CITY_UNIT, visit_limit=0), item(COUNTY_UNIT)]
    land("item_catalogue", "items", catalogue)
    land(PLATFORM, "ex_gdbs_sb", [one.sb() for one in (straight, sent_back, suspended, abandoned, still)])
    land(PLATFORM, "ex_gdbs_sl", [straight.sl(2), sent_back.sl(3), suspended.sl(6), still.sl(9)])
    # 承办 on the day after, 审核 over noon, 批准 after a weekend.
    land(PLATFORM, "ex_gdbs_spcl", [_post(straight, 1, 3, 9, "01"), _post(straight, 2, 3, 15, "02")])
    land(PLATFORM, "ex_gdbs_spcl", [_post(sent_back, 1, 6, 9, "01"), _post(sent_back, 2, 6, 10, "02")])
    land(
        PLATFORM,
        "ex_gdbs_bjgz",
        [_at(abandoned, xh=1, bjgzsj=moment(6)), _at(suspended, xh=1, bjgzsj=moment(8))],
    )
    firm = {"sqrzjhm": " 91445100ma4w2c1t0x", "tjfs": "0"}
    holder, newcomer = Case(day=9, **firm), Case(day=10, tjfs="0", sqrzjhm="91445100MA4W2C1T3R")
    land(PLATFORM, "ex_gdbs_sb", [holder.sb(), newcomer.sb()])
    paper = {"wjlx": "0", "cllx": "1", "clmc": "营业执照复印件", "clsl": 1}
    materials = {
        number: {"seq": f"m{number}", "sblsh": case.no, "version": 1, "inserttime": moment(10)} | paper | more
        for number, case, more in [
            (1, holder, {}), (2, holder, {"clmc": "申请表", "wjlx": "1", "cllx": "2"}),
            (3, newcomer, {}), (4, newcomer, {}),
        ]
    }  # fmt: skip
    land(PLATFORM, "ex_gdbs_sbcl", list(materials.values()))
    licence = {
        "licence_kind": "营业执照",
        "issue_way": "converted",
        "status": "valid",
        "updated_at": moment(10),
    }
    land(
        "elicence",
        "licences",
        [
            licence
            | {
                "licence_no": "L1",
                "holder_id_no": "91445100MA4W2C1T0X",
                "issued_at": moment(8),
            },
            licence | {"licence_no": "L2", "holder_id_no": "91445100MA4W2C1T3R", "issued_at": moment(12)},
        ],
    )
    build("warehouse")

    clock.advance(timedelta(hours=1))
    corrected = materials[2] | {"version": 2, "clsl": 2, "inserttime": moment(12)}
    land(PLATFORM, "ex_gdbs_sbcl", [corrected])
    land_deletes(PLATFORM, "ex_gdbs_sbcl", [materials[4]])
    land(PLATFORM, "ex_gdbs_spcl", [_post(straight, 3, 6, 9, "03")])
    land(
        PLATFORM,
        "ex_gdbs_spcl",
        [
            _post(sent_back, 1, 7, 9, "01"),
            _post(sent_back, 2, 7, 10, "02"),
            _post(sent_back, 3, 8, 9, "03", version=2),
        ],
    )
    land(PLATFORM, "ex_gdbs_bjsl", [_at(suspended, xh=1, bjsj=moment(14, 16), bjsljtdd="网上")])
    special = {"tbcxzl": "B", "tbcxksrq": moment(10), "tbcxsx": 3, "tbcxsxdw": "G"}
    refused = {"tbcxzl": "A", "tbcxksrq": moment(13), "tbcxsx": 10, "tbcxsxdw": "G"}
    land(PLATFORM, "ex_gdbs_tbcxsq", [_at(suspended, xh=1, **special), _at(suspended, xh=2, **refused)])
    land(
        PLATFORM,
        "ex_gdbs_tbcxjg",
        [
            _at(suspended, xh=1, tbcxjsrq=moment(20)),
            _at(suspended, xh=2, tbcxjg="不同意延长", tbcxjsrq=moment(14)),
        ],
    )
    land(PLATFORM, "ex_gdbs_bj", [straight.bj(6), sent_back.bj(8, "6", version=3), suspended.bj(22)])
    land(PLATFORM, "ex_gdbs_bj", [abandoned.bj(28, "5")])
    land(PLATFORM, "ex_gdbs_lqdj", [straight.lqdj(7)])
    assert build("warehouse").mode == "incremental"
    return {
        "straight": straight, "sent back": sent_back, "suspended": suspended, "abandoned": abandoned, "still": still
    }  # fmt: skip


def rows(query, *given, file="marts"):
    with duckdb.connect(str(lane_file("warehouse", file)), read_only=True) as connection:
        return connection.execute(query, list(given)).fetchall()


def test_a_path_is_what_happened_in_its_order(cases):
    found = dict(rows("select case_no, path from int_case_paths", file="warehouse"))
    assert {name: found[case.no].split(">") for name, case in cases.items()} == {
        "straight": ["applied", "accepted", "step_1", "step_2", "step_3", "closed", "collected"],
        "sent back": ["applied", "accepted", "step_1", "step_2", "step_1", "step_2", "step_3", "closed"],
        "suspended": [
            "applied", "accepted", "supplement_noticed", "special_procedure_started", "special_procedure_started",
            "special_procedure_ended", "supplement_received", "special_procedure_ended", "closed",
        ],
        "abandoned": ["applied", "supplement_noticed", "closed"],
        "still": ["applied", "accepted"],
    }  # fmt: skip


def test_waits_are_counted_in_office_hours(cases):
    waited = rows(
        "select step_code, waited_working_hours, waited_hours from fct_steps where case_no = ? order by handled_at",
        cases["straight"].no,
    )
    # Accepted on Thursday 2 November at 9; 9 on Friday; 15 on Friday; 9 on Monday.
    assert waited == [("1", 6.5, 24.0), ("2", 3.5, 6.0), ("3", 3.0, 66.0)]


def test_a_case_sent_back_is_rework(cases):
    found = rows(
        "select step_code, position, repetition, is_repeated, is_step_back, is_handed_over from fct_steps"
        " where case_no = ? order by position",
        cases["sent back"].no,
    )
    assert found == [
        ("1", 1, 1, False, False, None),
        ("2", 2, 1, False, False, True),
        ("1", 3, 2, True, True, True),
        ("2", 4, 2, True, False, True),
        ("3", 5, 1, False, False, True),
    ]


def test_variants_and_their_shares(cases):
    found = rows(
        "select path_in_words, case_count, case_share, path_rank, mean_handling_working_days from fct_item_paths"
        " where item_code = ? order by path_rank",
        item_code(CITY_UNIT),
    )
    assert {(words, count, share) for words, count, share, *_ in found} == {
        ("申办→受理→承办→审核→批准→办结→领取", 1, 0.25),
        ("申办→受理→承办→审核→承办→审核→批准→办结", 1, 0.25),
        (
            "申办→受理→补正告知→特别程序申请→特别程序申请→特别程序结果→补正受理→特别程序结果→办结",
            1,
            0.25,
        ),
        ("申办→补正告知→办结", 1, 0.25),
    }
    assert [rank for *_, rank, _ in found] == [1, 2, 3, 4]
    assert {words: days for words, *_, days in found}["申办→受理→承办→审核→批准→办结→领取"] == 2.0


def test_what_directly_follows_what(cases):
    found = {
        (first, second): count
        for first, second, count in rows(
            "select from_activity_name, to_activity_name, transition_count from fct_transitions where item_code = ?",
            item_code(CITY_UNIT),
        )
    }
    assert found[("承办", "审核")] == 3
    assert found[("审核", "承办")] == 1
    assert found[("审核", "批准")] == 2
    assert found[("特别程序申请", "特别程序申请")] == 1
    assert sum(found.values()) == 6 + 7 + 8 + 2


def test_the_step_that_waits_longest_is_the_bottleneck(cases):
    found = {
        code: (count, again, back, handed, median, is_bottleneck)
        for code, count, again, back, handed, median, is_bottleneck in rows(
            "select step_code, step_count, repeated_count, step_back_count, handed_over_count,"
            " median_waited_working_hours, is_bottleneck from fct_item_steps where item_code = ?",
            item_code(CITY_UNIT),
        )
    }
    # 承办 waits: 6.5 (2nd to 3rd), 6.5 (Friday to Monday), 5.5 (10 to 9 on the next day).
    assert found["1"] == (3, 1, 1, 1, 6.5, True)
    assert found["2"] == (3, 1, 0, 3, 1.0, False)
    assert found["3"] == (2, 0, 0, 2, (3.0 + 5.5) / 2, False)


def test_handovers_go_from_post_to_post(cases):
    found = rows("select from_post_code, to_post_code, handover_count from fct_handovers order by all")
    assert found == [("01", "02", 3), ("02", "01", 1), ("02", "03", 2)]


def test_a_post_is_there_from_the_first_step_that_it_handled(cases):
    found = rows(
        "select post_code, valid_from, last_handled_on, step_count, is_latest from dim_posts order by all"
    )
    steps = rows("select post_code, cast(handled_at as date) from fct_steps")
    assert [row[0] for row in found] == ["01", "02", "03"]
    for post, valid_from, last_handled_on, step_count, is_latest in found:
        days = [day for of, day in steps if of == post]
        assert (valid_from, last_handled_on, step_count, is_latest) == (min(days), max(days), len(days), True)


def test_suspensions_say_what_they_stopped_and_why_not(cases):
    found = rows(
        "select suspension_kind, sequence_no, is_counted, ignored_because, runs_until, stopped_working_days,"
        " is_ended_beyond_limit from fct_suspensions where case_no = ? order by all",
        cases["suspended"].no,
    )
    assert found == [
        ("extension", 2, False, "refused", None, None, False),
        ("special_procedure", 1, True, None, date(2017, 11, 14), 3, True),
        ("supplement", 1, True, None, date(2017, 11, 14), 5, False),
    ]
    before = rows(
        "select ignored_because, is_counted from fct_suspensions where case_no = ?", cases["abandoned"].no
    )
    assert before == [("before_acceptance", False)]


def test_the_case_moves_by_the_union(cases):
    # Accepted on Monday 6 November, 5 working days; 8 to 14 November stand still: the 7th, then 15 to 20.
    found = rows(
        "select promised_due_on, stopped_working_days, handling_working_days, is_closed_on_time from fct_cases"
        " where case_no = ?",
        cases["suspended"].no,
    )
    assert found == [(date(2017, 11, 20), 5, 7, False)]


def test_supplements_tell_how_long_the_applicant_took(cases):
    query = (
        "select noticed_after_working_days, handed_in_after_working_days, handed_in_at_kind, is_before_acceptance,"
        " is_abandoned from fct_supplements where case_no = ?"
    )
    assert rows(query, cases["suspended"].no) == [(2, 4, "online", False, False)]
    assert rows(query, cases["abandoned"].no) == [(1, None, None, True, True)]


def test_corrected_records_are_counted_with_their_versions(cases):
    found = rows(
        "select case_no, kind, record_count, version_count, most_versions from fct_corrected_records"
    )
    assert sorted(found) == sorted(
        [
            (cases["sent back"].no, "approval_steps", 1, 2, 2),
            (cases["sent back"].no, "closings", 1, 3, 3),
        ]
    )


def test_an_open_case_shows_what_is_left_of_its_time(cases):
    # 9 November, 5 working days: due on the 16th; read at 13:00 on the 30th.
    found = rows(
        "select case_no, promised_rest_days, promised_due_on, statutory_rest_days, clock_state, read_at"
        " from fct_open_cases"
    )
    assert found == [
        (cases["still"].no, -10, date(2017, 11, 16), -5, "past_statutory", datetime(2017, 11, 30, 13))
    ]


def test_timeliness_shows_both_denominators(cases):
    found = rows(
        "select unit_code, closed_count, closed_on_time_count, overdue_open_count, on_time_rate_of_closed,"
        " on_time_rate_of_due from fct_timeliness_months where month = '2017-11-01' order by unit_code"
    )
    assert found == [
        (CITY_UNIT, 3, 2, 0, 2 / 3, 2 / 3),
        (COUNTY_UNIT, 0, 0, 1, None, 0.0),
    ]


def test_what_is_declared_is_held_against_what_happened(cases):
    found = rows(
        "select case_count, most_visits, declared_visits, late_case_count, is_judged, is_visits_exceeded,"
        " commonest_path_share from fct_item_conduct where item_code = ?",
        item_code(CITY_UNIT),
    )
    assert found == [(3, 2, 0, 1, False, False, 0.25)]


def test_materials_are_paper_or_electronic_and_what_is_deleted_is_gone(cases):
    found = rows("select material_key, file_kind, copy_kind, copies_count from fct_materials order by all")
    assert found == [
        ("m1", "paper", "copy", 1),
        ("m2", "electronic", "electronic", 2),
        ("m3", "paper", "copy", 1),
    ]


def test_a_copy_of_a_licence_that_the_applicant_holds_as_an_e_licence_is_a_repetition(cases):
    # The other firm's e-licence was issued after it had applied.
    found = rows("select material_key, licence_kind, licence_issued_at from fct_repeated_materials")
    assert found == [("m1", "营业执照", moment(8))]


def test_what_the_two_builds_left_equals_a_full_one(cases, tmp_path):
    assert states.beside_a_full_build("warehouse", tmp_path / "kept") == {}
