"""Who is who: numbers as they are written, read by others' rules as well; numbers that stand for another; what follows
for cases, persons and legal persons; and every step leaves what a full build does."""

import random
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from tests.dbt_project import states
from tests.dbt_project.landed import land, land_deletes
from tests.dbt_project.numbers import citizen, credit, organisation, reading, registration, short, spoilt
from tests.dbt_project.test_history import rows
from tests.dbt_project.written import CITY_UNIT, Case, item, moment
from wangting import clock
from wangting.build import build

pytestmark = pytest.mark.timeout(900)


def written_numbers() -> list[str]:
    """Numbers of every kind, right and wrong."""
    draw = random.Random(11)
    found = [citizen(place) for place in range(400)]
    found += [short(number) for number in found[100:300]]
    found += [spoilt(number) for number in found[300:400]]
    bodies = ["".join(draw.choices("0123456789ABCDEFGHJKLMNPQRTUWXY", k=8)) for _ in range(150)]
    bodies += [str(draw.randrange(10_000_000, 99_999_999)) for _ in range(150)]
    codes = [organisation(body) for body in bodies]
    found += codes + list(map(spoilt, codes[:60]))
    found += [credit(code, draw.choice(["91", "92", "12", "51"])) for code in codes[:200]]
    found += [spoilt(credit(code)) for code in codes[200:260]]
    found += [registration(place) for place in range(150)] + [spoilt(registration(7))]
    found += ["".join(draw.choices("0123456789", k=15)) for _ in range(150)]
    found += ["".join(draw.choices("0123456789", k=18)) for _ in range(150)]
    found += ["测试", "无", "4451", "44510219900230001X", "000000000000000", "1" * 19, "护照E1234567"]
    return sorted(set(found))


A, B, STRUCK, MIDDLE, KEPT, LEFT, RIGHT, LATE, LATER = (citizen(900 + place) for place in range(9))
FIRM, OTHER = organisation("70000001"), organisation("7A00000B")
OLD = registration(8800)
NUMBERS = written_numbers()


def person(number: str, name: str = "甲", **more: Any) -> dict[str, Any]:
    """A row of the population register."""
    born = datetime.strptime(reading(number)[3][6:14], "%Y%m%d").date()
    sex = "男" if int(reading(number)[3][16]) % 2 else "女"
    mine = {
        "公民身份号码": number,
        "姓名": name,
        "性别": sex,
        "出生日期": born,
        "_file_date": date(2017, 11, 1),
    }
    return mine | more


def change(number: int, kind: str, of: str, day: int, **more: Any) -> dict[str, Any]:
    """A row of its changes."""
    mine = {
        "变更流水号": f"RK{number:04d}",
        "变更类型": kind,
        "变更时间": moment(day),
        "_file_date": date(2017, 11, day),
    }
    return person(of) | mine | more


def firm_change(number: int, kind: str, code: str, day: int, **more: Any) -> dict[str, Any]:
    """A row of the changes of legal persons."""
    return {
        "bgxh": f"BG{number:04d}",
        "tyshxydm": code,
        "bglx": kind,
        "bgsj": moment(day),
        "gxsj": moment(day),
    } | more


def applicant(number: str, day: int = 2, **more: Any) -> Case:
    """A case of an applicant."""
    return Case(day=day, **({"sqrlx": "1", "sqrmc": "甲", "sqrzjhm": number} | more))


@pytest.fixture(scope="module")
def history(house, tmp_path_factory):
    """Three steps; after each, whose the cases are and how a full build differs."""
    folder, seen = tmp_path_factory.mktemp("kept"), {}
    cases = {
        "short": applicant(short(A)),
        "whole": applicant(A, 3),
        "struck off": applicant(STRUCK),
        "one of two": applicant(LEFT),
        "late": applicant(LATE),
        "organisation code": applicant(FIRM, sqrlx="2"),
        "spoilt credit code": applicant(spoilt(credit(FIRM)), 3, sqrlx="2"),
        "nobody": applicant("测试"),
        "lower case": applicant(f" {citizen(17).lower()[:17]}-{citizen(17).lower()[17:]} "),
        "firm under a person's number": applicant(B, sqrlx="2"),
    }

    def step(name: str) -> None:
        summary = build("warehouse")
        held = dict(rows("warehouse", "select case_no, coalesce(applicant_key, '') from int_case_applicants"))
        in_mart = dict(
            rows(
                "warehouse",
                "select case_no, coalesce(person_key, legal_person_key, '') from fct_case_applicants",
                "marts",
            )
        )
        seen[name] = {
            "mode": summary.mode,
            "owner": {label: held[case.no] for label, case in cases.items()},
            "mart": {label: in_mart[case.no] for label, case in cases.items()},
            "differing": states.beside_a_full_build("warehouse", folder),
        }
        clock.advance(timedelta(hours=1))

    land("item_catalogue", "items", [item(CITY_UNIT, visit_limit=3)])
    land("unified_platform", "ex_gdbs_sb", [case.sb() for case in cases.values()])
    closed = ("short", "whole")
    land("unified_platform", "ex_gdbs_sl", [cases[label].sl(4) for label in closed])
    land("unified_platform", "ex_gdbs_bj", [cases[label].bj(6) for label in closed])
    land(
        "population_register",
        "persons",
        [person(short(A)), person(B, "乙", 性别="男女"), person(STRUCK), person(KEPT, "丙"), person(LATE)],
    )
    again = [change(1, "合并", STRUCK, 3, 保留号码=MIDDLE), change(2, "合并", MIDDLE, 4, 保留号码=KEPT)]
    circle = [change(3, "合并", LEFT, 3, 保留号码=RIGHT), change(4, "合并", RIGHT, 3, 保留号码=LEFT)]
    died = change(5, "死亡", B, 7, 姓名="乙乙", 出生日期=date(1949, 9, 9))
    land("population_register", "changes", [*again, *circle, died])
    land(
        "poverty_relief",
        "households",
        [{"户编号": "H1", "户主姓名": "甲甲", "户主身份号码": A, "致贫原因": "因病"}],
    )
    land(
        "legal_person_register",
        "fr_jbxx",
        [{"tyshxydm": credit(OTHER, "12"), "zzjgdm": OTHER, "lx": "事业单位", "gxsj": moment(1)}],
    )
    land(
        "legal_person_register",
        "fr_bgjl",
        [
            firm_change(1, "换照", credit(FIRM), 1, yzch=OLD),
            firm_change(2, "设立", credit(FIRM), 2),
            firm_change(3, "注销", credit(FIRM), 9),
        ],
    )
    land(
        "market_supervision",
        "jcjl",
        [{"jcbh": "J1", "tyshxydm": OLD, "jclx": "专项检查", "jcsj": moment(5), "jg": "合格"}],
    )
    land(
        "identity",
        "accounts",
        [
            {"account_id": f"N{place}", "account_type": "1", "id_no": number, "registered_at": moment(1)}
            for place, number in enumerate(NUMBERS)
        ]
        + [
            {
                "account_id": "A1",
                "account_type": "1",
                "id_no": A,
                "real_name_level": 3,
                "registered_at": moment(1),
            },
            {
                "account_id": "A2",
                "account_type": "1",
                "id_no": short(A),
                "real_name_level": 1,
                "registered_at": moment(2),
            },
        ],
    )
    land(
        "personal_pages",
        "pages",
        [{"page_id": f"P{n}", "account_id": f"A{n}", "status": "open"} for n in (1, 2)],
    )
    days = [(1, 3), (1, 4), (2, 4)]
    land(
        "personal_pages",
        "logins",
        [{"page_id": f"P{n}", "login_date": date(2017, 11, day)} for n, day in days],
    )
    step("first")
    told_late = change(6, "合并", LATE, 8, 保留号码=LATER)
    land("population_register", "changes", [told_late])
    step("told late")
    land_deletes("population_register", "changes", [told_late])
    step("taken back")
    return seen


def people(query: str) -> list[tuple[Any, ...]]:
    return rows("warehouse", query, "marts")


@pytest.mark.parametrize("step", ["told late", "taken back"])
def test_a_regular_build_leaves_what_a_full_one_does(history, step):
    assert history[step]["mode"] == "incremental"
    assert history[step]["differing"] == {}


@pytest.mark.parametrize("step", ["first", "told late", "taken back"])
def test_the_mart_says_the_same_of_every_case(history, step):
    assert history[step]["mart"] == history[step]["owner"] | {"nobody": ""}


def test_every_number_is_read_as_the_standards_say(history):
    query = "select id_no, number_form, is_number_sound, identity_kind, identity_no from int_identity_keys"
    found = {number: tuple(rest) for number, *rest in rows("warehouse", query)}
    assert {number: found[number] for number in NUMBERS} == {number: reading(number) for number in NUMBERS}
    forms = {form for form, *_ in found.values()}
    assert forms == {
        "citizen_18",
        "citizen_15",
        "credit_code",
        "organisation_code",
        "registration_no",
        "other",
    }


def test_the_number_of_15_digits_and_the_one_of_18_are_one_person(history):
    owner = history["first"]["owner"]
    assert owner["short"] == owner["whole"] != owner["lower case"]
    ((numbers, accounts, level, login_days, names, poor, cases, online, saved, theme),) = people(
        "select number_count, account_count, real_name_level, page_login_days, name_count, is_householder_in_poverty,"
        " case_count, online_count, visits_saved, main_theme_code from dim_persons"
        f" where person_key = '{owner['whole']}'"
    )
    # An online case without a collection is none at all in visits: 3 declared, 0 measured, twice.
    assert (numbers, accounts, level, login_days, names, poor) == (2, 2, 3, 3, 2, True)
    assert (cases, online, saved, theme) == (2, 2, 6, "P01")


def test_blanks_hyphens_and_small_letters_make_no_other_person(history):
    ((key,),) = rows("warehouse", f"select identity_key from int_identity_keys where id_no = '{citizen(17)}'")
    assert history["first"]["owner"]["lower case"] == key


def test_an_entry_that_was_struck_off_is_the_one_that_was_kept_in_the_end(history):
    ((kept,),) = rows("warehouse", f"select identity_key from int_identity_keys where id_no = '{KEPT}'")
    assert history["first"]["owner"]["struck off"] == kept
    found = people(
        f"select register_status, number_count, name_count, case_count from dim_persons where person_key = '{kept}'"
    )
    assert found == [("registered", 3, 2, 1)]


def test_two_entries_that_name_each_other_stay_two(history):
    ((left,),) = rows("warehouse", f"select identity_key from int_identity_keys where id_no = '{LEFT}'")
    assert history["first"]["owner"]["one of two"] == left


def test_a_case_moves_when_the_register_says_so_and_back_when_it_takes_that_back(history):
    moved = [history[step]["owner"]["late"] for step in ("first", "told late", "taken back")]
    assert moved[0] == moved[2] != moved[1]
    unmoved = [{**history[step]["owner"], "late": None} for step in ("first", "told late", "taken back")]
    assert unmoved[0] == unmoved[1] == unmoved[2]


def test_a_death_and_what_contradicts_the_number_are_kept_and_counted(history):
    owner = history["first"]["owner"]["firm under a person's number"]
    found = people(
        "select register_status, has_name_conflict, has_birth_conflict, has_sex_conflict, birth_year from dim_persons"
        f" where person_key = '{owner}'"
    )
    # The register's newest entry counts; the name in it and in the case differ.
    assert found == [("died", True, True, False, 1949)]
    assert people(f"select is_kind_conflicting from fct_case_applicants where person_key = '{owner}'") == [
        (True,)
    ]


def test_all_numbers_of_a_firm_are_one_legal_person(history):
    owner = history["first"]["owner"]
    assert owner["organisation code"] == owner["spoilt credit code"]
    found = people(
        "select legal_person_kind, legal_person_status, is_registered, has_registration_no, number_count, case_count,"
        f" inspection_count from dim_legal_persons where legal_person_key = '{owner['organisation code']}'"
    )
    assert found == [("enterprise", "deregistered", False, True, 4, 2, 1)]


def test_the_status_of_a_legal_person_is_told_over_time(history):
    owner = history["first"]["owner"]["organisation code"]
    found = people(
        "select legal_person_status, valid_from, valid_to from dim_legal_person_statuses"
        f" where legal_person_key = '{owner}' order by status_place"
    )
    assert found == [("existing", moment(2), moment(9)), ("deregistered", moment(9), None)]
    others = people(
        "select legal_person_kind, legal_person_status, status_since from dim_legal_persons where is_registered"
    )
    assert others == [("public_institution", "existing", None)]


def test_a_number_that_is_none_is_nobodys(history):
    ((kind, person_key, firm_key),) = people(
        "select applicant_kind, person_key, legal_person_key from fct_case_applicants where number_form = 'other'"
    )
    assert (kind, person_key, firm_key) == ("unknown", None, None)
