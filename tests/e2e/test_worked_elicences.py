"""The worked example of the e-licences, fed through the front door: cases are rows of the platform, the list of kinds
and the e-licences come over the e-licence system's HTTP; the figure is read by `wangting metric`. The year 2017.

K1 500 of 500 in step; K2 2 of 3; K3 opened, none issued yet; K4 due, not opened; K5 due in 2018: 2 of 4. In the region
结婚证 is opened in 2 of its 3 counties, 残疾人证 in all 3: 1 of 2.
"""

import json
from datetime import date, datetime, timedelta

import pytest

from tests.e2e import source_systems
from tests.e2e.city import City
from tests.e2e.written_cases import WINDOW, ended, item, march, unit_name

pytestmark = pytest.mark.e2e
OWNER = "070267042"  # 农业局
WEDDINGS = ("072246798", "073672211", "075097636")  # 三县区民政局
DISABLED = ("07327626X", "074701686", "076127104")  # 三县区残疾人联合会


def kind(code, name, unit, planned=date(2017, 12, 31), opened=date(2017, 2, 1)):
    """One entry of the list: what a unit has to issue, as the e-licence system shows it."""
    return {
        "kind_code": code, "kind_name": name, "issuing_unit": unit_name(unit), "is_issuing": True, "is_using": False,
        "planned_on": planned, "opened_on": opened, "status": "opened" if opened else "planned",
        "updated_at": datetime(2017, 2, 1),
    }  # fmt: skip


KINDS = [
    kind("K1", "甲证", OWNER),
    kind("K2", "乙证", OWNER),
    kind("K3", "丙证", OWNER),
    kind("K4", "丁证", OWNER, opened=None),
    kind("K5", "戊证", OWNER, planned=date(2018, 3, 31), opened=None),
    *(
        kind(f"J{number}", "结婚证", unit, opened=None if number == 2 else date(2017, 2, 1))
        for number, unit in enumerate(WEDDINGS)
    ),
    *(kind(f"C{number}", "残疾人证", unit) for number, unit in enumerate(DISABLED)),
]


def licence(case, name, later=timedelta(minutes=20)):
    """The e-licence of a case, issued so long after its closing."""
    issued = case.closed + later
    return {
        "licence_no": f"Z{case.number}", "licence_kind": name, "issue_way": "new", "item_code": case.item.code,
        "case_no": case.number, "holder_id_no": None, "issued_at": issued,
        "valid_until": None, "status": "valid", "updated_at": issued,
    }  # fmt: skip


@pytest.fixture(scope="module")
def office(tmp_path_factory):
    """500 cases of K1 and 3 of K2, one of which has its e-licence only on the next day."""
    folder = tmp_path_factory.mktemp("elicences")
    home = folder / "var"
    home.mkdir()
    (home / "clock.json").write_text(json.dumps({"now": "2018-01-05T09:00:00"}), "utf-8")
    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.setenv("WANGTING_HOME", str(home))
    site = source_systems.site(folder / "site", "2017-03-01 00:00:00", ("elicence",))
    monkeypatch.setenv("WANGTING_SITE", str(site))
    house = City(home)
    systems = source_systems.SourceSystems(home)
    try:
        made = {"甲证": item("甲证核发", OWNER), "乙证": item("乙证核发", OWNER)}
        cases = {
            name: [ended(made[name], WINDOW, "0") for _ in range(n)]
            for name, n in (("甲证", 500), ("乙证", 3))
        }
        systems.list_items([version for one in made.values() for version in one.versions])
        rows = []
        for name, some in cases.items():
            for case in some:
                rows += [row for row in case.rows() if row[0] != "ex_gdbs_bj"]
                rows.append(("ex_gdbs_bj", case.closing(zjgzmc=name)))
        systems.write(rows, entered=march(21))
        issued = [licence(case, "甲证") for case in cases["甲证"]]
        issued += [
            licence(case, "乙证", timedelta(minutes=20) if number else timedelta(days=1))
            for number, case in enumerate(cases["乙证"])
        ]
        systems.show("elicence", "kinds", KINDS, "elicence__kinds")
        systems.show("elicence", "licences", issued, "licences")
        for step in ("pull", "build", "publish"):
            house.run(step)
        yield house
    finally:
        systems.stop()
        monkeypatch.undo()


def shown(office, *scope):
    said = office.run("metric", "licence_digitised_rate", "--period", "2017", *scope, "--proof")
    inside = [row["kind_name"] for row in said["proof"] if row["is_in_numerator"]]
    return said["numerator"], said["denominator"], said["value"], sorted(inside)


def test_a_kind_counts_when_all_its_issues_are_in_step(office):
    assert shown(office, "--unit", OWNER) == (2, 4, "50.00 %", ["丙证", "甲证"])


def test_a_regional_kind_counts_when_every_unit_that_owes_it_has_opened_it(office):
    assert shown(office, "--level", "county") == (1, 2, "50.00 %", ["残疾人证"])


def test_kinds_are_counted_anew_for_the_city(office):
    assert shown(office)[:3] == (3, 6, "50.00 %")


def test_each_county_counts_what_it_owes_itself(office):
    assert shown(office, "--region", "445102000000")[:2] == (2, 2)
    assert shown(office, "--region", "445122000000") == (1, 2, "50.00 %", ["残疾人证"])


def test_before_the_kinds_are_due_there_is_nothing_to_count(office):
    said = office.run("metric", "licence_digitised_rate", "--period", "2017-06")
    assert (said["value"], said["denominator"]) == ("无业务", 0)
