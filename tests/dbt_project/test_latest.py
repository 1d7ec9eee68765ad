"""Records that are no part of a case: the newest version of each counts, what is gone at its source does not, and a
regular build leaves the very state of a full one."""

from datetime import timedelta

import pytest

from tests.dbt_project import states
from tests.dbt_project.landed import land, land_deletes
from tests.dbt_project.test_deletes import rows
from tests.dbt_project.written import CITY_UNIT, Case, item, moment
from wangting import clock
from wangting.build import build

pytestmark = pytest.mark.timeout(900)
FIFTEEN, EIGHTEEN, CREDIT = "440524880101001", "440524198801010011", "91350100M000100Y43"


def licence(number, status="valid", day=1, holder=EIGHTEEN):
    """A row of the e-licence system."""
    return {
        "licence_no": f"证{number}",
        "licence_kind": "许可证",
        "holder_id_no": holder,
        "status": status,
        "updated_at": moment(day),
    }


@pytest.fixture(scope="module")
def built(house, tmp_path_factory):
    """Three steps, the second with a correction and deletes; after each what is held, and how a full one differs."""
    folder, seen = tmp_path_factory.mktemp("kept"), {}

    def step(name):
        summary = build("warehouse")
        held = dict(rows("warehouse", "select licence_no, status from int_licences_latest"))
        keys = dict(rows("warehouse", "select id_no, identity_key from int_identity_keys"))
        differing = states.beside_a_full_build("warehouse", folder)
        seen[name] = {"mode": summary.mode, "licences": held, "keys": keys, "differing": differing}
        clock.advance(timedelta(hours=1))

    land("item_catalogue", "items", [item(CITY_UNIT)])
    land("unified_platform", "ex_gdbs_sb", [Case(sqrzjhm=FIFTEEN).sb()])
    land("elicence", "licences", [licence(1), licence(2), licence(3), licence(4, holder=CREDIT)])
    step("first")
    land("elicence", "licences", [licence(1, "changed", day=3), licence(5)])
    land("elicence", "licences", [licence(1, "stale", day=2)])
    land_deletes("elicence", "licences", [licence(2), licence(5)])
    step("deleted")
    land("elicence", "licences", [licence(2, "returned", day=4)])
    step("returned")
    return seen


@pytest.mark.parametrize("name", ["deleted", "returned"])
def test_a_regular_build_leaves_what_a_full_one_does(built, name):
    assert built[name]["mode"] == "incremental"
    assert built[name]["differing"] == {}


def test_the_newest_version_counts_and_what_is_gone_does_not(built):
    assert built["deleted"]["licences"] == {"证1": "changed", "证3": "valid", "证4": "valid"}
    assert built["returned"]["licences"] == built["deleted"]["licences"] | {"证2": "returned"}


def test_a_person_has_one_pseudonym_under_both_numbers_and_it_never_changes(built):
    keys = built["first"]["keys"]
    assert keys[FIFTEEN] == keys[EIGHTEEN] != keys[CREDIT]
    assert all(len(key) == 32 for key in keys.values())
    assert keys.items() <= built["returned"]["keys"].items()
