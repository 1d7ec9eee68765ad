"""A real district's list of items, connected by the document alone, with its one department code that is garbage.

What must come out is computed here from the file itself, by its own reading of it.
"""

import csv
import os
from collections import Counter
from types import SimpleNamespace

import duckdb
import pytest

from tests.e2e.city import City
from tests.house.tree import ROOT
from tests.sites import documents

pytestmark = pytest.mark.e2e
LIST = ROOT.parent / "shared" / "data" / "item_catalogue" / "items_511602_flat.csv"
SITE = ROOT / "tests" / "sites" / "item_catalogue"
if not LIST.is_file():
    pytest.skip(
        "the list of items is not there: ../shared/data/item_catalogue/items_511602_flat.csv",
        allow_module_level=True,
    )
SUBJECTS = {
    "1": "licence",
    "5": "benefit",
    "7": "confirmation",
    "8": "award",
    "9": "ruling",
    "10": "other_power",
    "20": "public_service",
}
GARBAGE = "130501003"


@pytest.fixture(scope="module")
def items():
    with LIST.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def way(tmp_path_factory):
    """Checked, tried, landed, built and published by the commands."""
    home = tmp_path_factory.mktemp("item_catalogue") / "var"
    house = City(home, WANGTING_SITE=str(SITE), ITEM_LIST_DROP=str(LIST.parent))
    tried = house.run("source", "check", "item_list")
    said = {name: house.run(name) for name in ("pull", "build", "publish")}
    with duckdb.connect(str(home / "releases" / "current" / "marts.duckdb"), read_only=True) as marts:
        yield SimpleNamespace(house=house, home=home, tried=tried, said=said, marts=marts)


def has_org_check(code):
    """GB 11714, by its own words."""
    signs = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    if len(code) != 9 or any(sign not in signs for sign in code):
        return False
    left = (
        11 - sum(signs.index(sign) * w for sign, w in zip(code, (3, 7, 9, 10, 5, 8, 4, 2), strict=False)) % 11
    )
    return code[8] == {10: "X", 11: "0"}.get(left, str(left))


def unit_of(row):
    """The organisation code that a row names, in whichever way it does."""
    code, credit = row["dept_code"], row["dept_uscc"]
    if len(code) == 18:
        return code[8:17]
    if has_org_check(code):
        return code
    return credit[8:17] if len(credit) == 18 else code


def test_the_list_is_what_its_readme_says(items):
    assert len(items) == len({row["item_code"] for row in items}) == 1135
    codes = {row["dept_code"] for row in items}
    assert [code for code in codes if len(code) == 9 and not has_org_check(code)] == [GARBAGE]
    assert {len(code) for code in codes} == {5, 8, 9, 10, 17, 18, 19}


def test_every_item_lands_once_and_a_trial_lands_nothing(way, items):
    (tried,) = way.tried["tables"]
    assert (tried["rows"], tried["problems"]) == (len(items), [])
    (landed,) = way.said["pull"]
    assert (landed["state"], landed["rows"], landed["errors"]) == ("committed", len(items), [])


def test_every_item_arrives_with_its_name_its_subject_and_its_department(way, items):
    found = way.marts.execute(
        "select item_code, item_name, subject, unit_code, region_code from dim_items"
    ).fetchall()
    expected = {
        (row["item_code"], row["item_name"], SUBJECTS[row["task_type"]], unit_of(row), row["area_code"])
        for row in items
    }
    assert len(found) == len(expected)
    assert set(found) == expected


def test_the_garbage_code_names_no_department_any_more(way, items):
    rows = [row for row in items if row["dept_code"] == GARBAGE]
    assert rows and all(not has_org_check(row["dept_code"]) for row in rows)
    found = way.marts.execute(
        "select distinct unit_code from dim_items where list_contains(?, item_code)",
        [[row["item_code"] for row in rows]],
    ).fetchall()
    assert found == [("MB1A21304",)]
    assert way.marts.execute("select count(*) from dim_items where unit_code = ?", [GARBAGE]).fetchone() == (
        0,
    )


def test_nothing_that_the_list_does_not_say_is_made_up(way, items):
    said = way.marts.execute("""
        select count(online_depth), count(visit_limit), count(promised_limit), count(valid_from),
            count_if(is_full_online) from dim_items
    """).fetchone()
    assert said == (0, 0, 0, 0, 0)


def test_all_codes_of_the_list_are_known_to_the_site(way, items):
    assert Counter(SUBJECTS[row["task_type"]] for row in items) == dict(
        way.marts.execute("select subject, count(*) from dim_items group by 1").fetchall()
    )
    assert not [text for one in way.said["pull"] for text in one["warnings"]]


def test_the_documents_command_drafts_the_same_table(tmp_path, items):
    """`source new` on the same folder finds the key, the columns and the kind that the site declares."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "site.yml").write_text((SITE / "site.yml").read_text("utf-8"), "utf-8")
    documents.run(
        ["wangting source new item_list --connect files --url '${ITEM_LIST_DROP}'"],
        tmp_path,
        WANGTING_SITE=str(tmp_path / "site"),
        WANGTING_HOME=str(tmp_path / "home"),
        ITEM_LIST_DROP=str(LIST.parent),
    )
    import yaml

    ours, theirs = (
        yaml.safe_load((site / "sources" / "item_list" / "source.yml").read_text("utf-8"))["tables"][
            "items_flat"
        ]
        for site in (SITE, tmp_path / "site")
    )
    assert (theirs["key"], theirs["pattern"]) == (ours["key"], ours["pattern"])
    assert list(theirs["columns"]) == list(ours["columns"])
    assert (tmp_path / "site" / "staging" / "item_list" / "stg_item_list__items.sql").is_file()
    draft = "".join(file.read_text("utf-8") for file in (tmp_path / "site").rglob("*") if file.is_file())
    assert not [row for row in items if row["item_name"] in draft or row["item_code"] in draft]


def test_nothing_of_the_list_is_in_the_tree(items):
    codes = {row["item_code"] for row in items}
    for at, _, names in os.walk(SITE):
        for name in names:
            text = (SITE / at / name).read_text("utf-8")
            assert not [code for code in codes if code in text]
