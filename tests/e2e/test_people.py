"""Persons, legal persons, licences and projects of a simulated city, over all its systems and some weeks: what the
marts say is what the simulator knows, person by person; nothing in them names anybody."""

import hmac
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.dbt_project import states
from tests.e2e.houses import city_in_this_process
from tests.e2e.people_truth import Truth
from tests.e2e.personal_traces import found_in, traces
from wangting import clock, pseudonym
from wangting.dbt_assembly import lane_file

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1800)]
HOURS = (24 * 12, 24 * 21, 30)


class Way:
    """A city that went on some times; pulled and built each time, in the end anew.

    Attributes:
        marts: the database file. truth: what is so. differing: tables that a full build left otherwise.
    """

    def __init__(self, home: Path, kept: Path) -> None:
        from ingestion.pulling import pull
        from simulator.commands import advance_by, create_or_start
        from wangting.build import build
        from wangting.site import current_site

        self.home = home
        create_or_start(1_000, 11, 0.02)
        modes = []
        for hours in (None, *HOURS):
            if hours is not None:
                advance_by(hours)
            failed = {
                result.source: result
                for result in pull([source.name for source in current_site().sources])
                if result.state == "failed"
            }
            assert not failed, failed
            modes.append(build("warehouse").mode)
        assert modes == ["full", *["incremental"] * len(HOURS)]
        self.truth = Truth(home, clock.now())
        self.differing = states.beside_a_full_build("warehouse", kept)
        self.marts = lane_file("warehouse", "marts")
        self._key = pseudonym.key()

    def key(self, kind: str, number: str) -> str:
        """The pseudonym of a number, worked out beside the product."""
        return hmac.new(self._key, f"{kind} {number}".encode(), "sha256").hexdigest()[:32]

    def rows(self, query: str) -> list[dict[str, Any]]:
        """What the marts say."""
        with duckdb.connect(str(self.marts), read_only=True) as connection:
            found = connection.execute(query)
            names = [name for name, *_ in found.description or []]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


@pytest.fixture(scope="module")
def way(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Way]:
    with city_in_this_process(tmp_path_factory.mktemp("people") / "var") as home:
        yield Way(home, tmp_path_factory.mktemp("kept") / "lane")


def _agree(way: Way, kind: str, expected: dict[str, dict[str, Any]], table: str, key: str) -> None:
    found = {row[key]: row for row in way.rows(f"select * from {table}")}
    wanted = {way.key(kind, number): row for number, row in expected.items()}
    assert len(found) == len(wanted)
    assert found.keys() == wanted.keys()
    differing: Counter[str] = Counter()
    examples = {}
    for name, row in wanted.items():
        for column, value in row.items():
            if found[name][column] != value:
                differing[column] += 1
                examples[column] = (found[name][column], value)
    assert (differing, examples) == (Counter(), {})


def test_regular_builds_with_deletes_and_corrections_leave_what_a_full_one_does(way: Way) -> None:
    assert way.differing == {}


def test_every_person_of_every_system_is_there_once_and_as_the_truth_says(way: Way) -> None:
    expected = way.truth.persons()
    _agree(way, "person", expected, "dim_persons", "person_key")
    seen = {column: {row[column] for row in expected.values()} for column in next(iter(expected.values()))}
    assert seen["register_status"] == {"registered", "died", "moved_out", "unregistered"}
    assert seen["has_sex_conflict"] == seen["has_birth_conflict"] == {True, False}
    assert max(seen["name_count"]) > 1 and max(seen["account_count"]) > 1 and max(seen["page_login_days"]) > 1


def test_every_legal_person_of_every_system_is_there_once_and_as_the_truth_says(way: Way) -> None:
    expected = way.truth.legal_persons()
    _agree(way, "legal_person", expected, "dim_legal_persons", "legal_person_key")
    kinds = Counter(row["legal_person_kind"] for row in expected.values())
    assert set(kinds) >= {"enterprise", "household_business", "public_institution", "social_organisation"}
    assert {row["legal_person_status"] for row in expected.values()} >= {"existing", "deregistered", "merged"}
    assert all(max(row[name] for row in expected.values()) for name in ("inspection_count", "project_count"))


def test_every_case_has_the_applicant_that_the_truth_names(way: Way) -> None:
    expected = {}
    for case in way.truth.cases:
        kind, number = way.truth.owner(case["applicant_id_no"])
        expected[case["case_no"]] = (kind, way.key(kind, number))
    found = way.rows(
        "select case_no, applicant_kind, coalesce(person_key, legal_person_key) as k from fct_case_applicants"
    )
    assert {row["case_no"]: (row["applicant_kind"], row["k"]) for row in found} == expected


def test_every_licence_is_there_with_its_holder_and_whether_it_came_in_step(way: Way) -> None:
    expected = Counter()
    for row in way.truth.rows("elicence__licences", "licence_no"):
        case = way.truth.by_case.get(row["case_no"])
        closed = case and case["closed_at"]
        in_step = None if not closed else row["issued_at"].date() == closed.date()
        kind, number = way.truth.owner(row["holder_id_no"])
        expected[(row["licence_kind"], row["issue_way"], row["status"], in_step, way.key(kind, number))] += 1
    found = Counter(
        tuple(row.values())
        for row in way.rows(
            "select licence_kind, issue_way, status, is_in_step, coalesce(person_key, legal_person_key)"
            " from fct_licences"
        )
    )
    assert found == expected
    uses = Counter(row["licence_no"] for row in way.truth.rows("elicence__uses", "use_no"))
    held = {row["licence_no"] for row in way.truth.rows("elicence__licences", "licence_no")}
    (summed,) = way.rows("select sum(use_count) as uses from fct_licences")
    assert summed["uses"] == sum(count for number, count in uses.items() if number in held) > 0


def test_every_household_is_with_its_householder_and_what_they_applied_for(way: Way) -> None:
    persons = way.truth.persons()
    expected = Counter()
    for row in way.truth.rows("poverty_relief__households", "户编号"):
        kind, number = way.truth.owner(row["户主身份号码"])
        cases = persons[number]["case_count"]
        expected[(way.key(kind, number), row["致贫原因"], row["人口数"], row["识别日期"], cases)] += 1
    found = way.rows("select owner_key, cause, person_count, listed_on, case_count from fct_households")
    assert Counter(tuple(row.values()) for row in found) == expected
    assert max(cases for *_, cases in expected) > 0


def test_every_item_that_takes_the_account_is_there_with_the_way_it_is_connected(way: Way) -> None:
    rows = way.truth.rows("identity__connected_items", "item_code")
    columns = ("item_code", "unit_code", "connection_mode", "connected_on")
    expected = sorted(tuple(row[name] for name in columns) for row in rows)
    found = way.rows(f"select {', '.join(columns)} from fct_connected_items where is_in_catalogue")
    assert sorted(tuple(row.values()) for row in found) == expected != []


def test_a_project_is_told_over_all_its_cases(way: Way) -> None:
    links = way.truth.rows("investment_projects__xm_bj", "sblsh")
    projects = {row["xmdm"]: row for row in way.truth.rows("investment_projects__xm", "xmdm")}
    deals = Counter(row["project_code"] for row in way.truth.rows("public_resources__deals", "deal_no"))
    expected = {}
    for code in {*projects, *(row["xmdm"] for row in links), *deals} - {None}:
        cases = [way.truth.by_case.get(row["sblsh"]) for row in links if row["xmdm"] == code]
        known = [case for case in cases if case]
        closed = [case["closed_at"] for case in known if case["closed_at"]]
        completed = max(closed) if closed and len(closed) == len(cases) else None
        expected[code] = {
            "is_registered": code in projects,
            "case_count": len(cases),
            "known_case_count": len(known),
            "closed_count": len(closed),
            "unit_count": len({case["unit_code"] for case in known}),
            "first_applied_at": min((case["applied_at"] for case in known), default=None),
            "completed_at": completed,
            "natural_days": completed
            and (completed.date() - min(case["applied_at"] for case in known).date()) // timedelta(days=1),
            "deal_count": deals[code],
        }
    found = {row["project_code"]: row for row in way.rows("select * from fct_projects")}
    assert {code: {name: found[code][name] for name in row} for code, row in expected.items()} == expected
    assert found.keys() == expected.keys()
    assert any(row["case_count"] > 1 or row["completed_at"] for row in expected.values())
    assert not all(row["is_registered"] for row in expected.values())


# ---- nothing in the marts names anybody ------------------------------------------------------------------------------


def _persons(way: Way) -> tuple[set[str], set[str]]:
    """The names of all persons; numbers of persons, legal persons, accounts and licences as they are written."""
    folder = way.home / "simulator" / "truth"

    def texts(*columns: tuple[str, str]) -> set[str]:
        query = " union ".join(
            f"select \"{column}\" from '{folder / table}.parquet'" for table, column in columns
        )
        return {value for (value,) in duckdb.sql(query).fetchall() if value}

    names = texts(("population_register__persons", "姓名"), ("population_register__changes", "姓名"))
    numbers = texts(
        ("population_register__persons", "公民身份号码"),
        ("population_register__persons", "住址"),
        ("legal_person_register__fr_jbxx", "tyshxydm"),
        ("legal_person_register__fr_jbxx", "mc"),
        ("legal_person_register__fr_bgjl", "yzch"),
        ("identity__accounts", "account_id"),
        ("identity__accounts", "id_no"),
        ("elicence__licences", "licence_no"),
        ("cases_as_emitted", "applicant_id_no"),
        ("cases_as_emitted", "applicant_name"),
    )
    return names, numbers


def test_no_text_in_the_marts_holds_a_number_a_mobile_or_a_name(way: Way) -> None:
    names, numbers = _persons(way)
    assert len(names) > 10_000 and len(numbers) > 50_000
    assert traces(way.marts, names, numbers) == []


def test_the_scan_finds_what_it_is_meant_to_find(way: Way, tmp_path: Path) -> None:
    names, numbers = _persons(way)
    name, number = next(name for name in sorted(names) if len(name) == 3), sorted(numbers)[0]
    planted = {
        "身份证号码": "办结，证件44510219880101001X",
        "15 位身份证号码": "445102880101001",
        "手机号码": "联系13800138000。",
        "姓名": f"请{name}到窗口领取",
        "号码": number,
    }
    file = tmp_path / "planted.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute(
            "create table clean as select '440000000000' as region, 'a' || repeat('0', 31) as k"
        )
        connection.execute("create table dirty (text varchar)")
        connection.executemany("insert into dirty values (?)", [(value,) for value in planted.values()])
    found = traces(file, names, numbers)
    assert {kind for *_, kind, _ in found} >= set(planted)
    assert {table for table, *_ in found} == {"dirty"}
    assert not list(found_in("101300001069079191171104000112345678", names))
