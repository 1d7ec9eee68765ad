"""Every site of the repository runs: its own regions, units and plan over the systems that it takes over."""

from datetime import date
from types import SimpleNamespace

import duckdb
import pytest

from tests.e2e import thing_truth, truth
from tests.e2e.city import City
from tests.house.tree import ROOT

pytestmark = pytest.mark.e2e
SITES = {"meizhou": ("441400000000", "MZ17"), "qujiang": ("440205000000", "QJ16")}
CASES = 1000


@pytest.fixture(scope="module", params=SITES)
def run(request, tmp_path_factory):
    """A simulated city of the site, pulled, built and published by the commands."""
    site = request.param
    city = City(tmp_path_factory.mktemp(site) / "var", WANGTING_SITE=site)
    try:
        city.run("simulate", "up", "--cases", str(CASES))
        pulled = city.run("pull")
        city.run("build")
        city.run("publish")
        yield SimpleNamespace(
            site=site,
            city=city,
            pulled=pulled,
            status=city.run("status"),
            seeds=ROOT / "sites" / site / "seeds",
            truth=city.home / "simulator" / "truth",
            marts=city.home / "releases" / "current" / "marts.duckdb",
        )
    finally:
        city.run("simulate", "down")


def test_every_system_that_the_site_takes_over_lands(run):
    assert [one["errors"] for one in run.pulled if one["errors"]] == []
    assert {"unified_platform", "housing_bureau", "town_station"} <= {
        one["source"] for one in run.pulled if one["rows"]
    }


def test_every_metric_of_the_site_equals_the_simulators_truth(run):
    with truth.connect(run.truth, run.marts, run.seeds) as con:
        assert truth.case_differences(con) == []
        assert truth.item_differences(con, date(2017, 11, 30)) == []
        site = ROOT / "sites" / run.site
        assert thing_truth.differences(con, run.truth, date(2017, 11, 30), site) == []
        cells = con.execute("select count(*), sum(denominator) from m.metric_values").fetchone()
    assert cells[0] > 500 and cells[1] > CASES


def test_the_site_has_its_own_regions_and_no_other(run):
    division, _ = SITES[run.site]
    with duckdb.connect(str(run.marts), read_only=True) as marts:
        seen = marts.execute("select distinct region_code from fct_cases").fetchall()
        whole = marts.execute(
            "select distinct scope_code from metric_values where scope_kind = 'city'"
        ).fetchall()
    prefix = division[:6].rstrip("0")
    assert all(code.startswith(prefix) for (code,) in seen if code) and len(seen) > 5
    assert whole == [(division,)]


def test_the_status_screen_is_the_sites(run):
    titles = {"meizhou": "梅州市", "qujiang": "韶关市曲江区"}
    assert titles[run.site] in str(run.status)


LEVELS = {
    "meizhou": {"municipal": "市级部门", "county": "县区", "town": "镇街"},
    "qujiang": {"municipal": "区直单位", "county": "镇、村", "town": "镇、村"},
}


def test_levels_and_regions_are_those_of_the_sites_own_plan(run):
    """A city has counties between itself and its towns; a district has none: all below it are its towns."""
    with duckdb.connect(str(run.marts), read_only=True) as marts:
        levels = dict(marts.execute("select level_code, level_name from dim_levels").fetchall())
        scopes = {
            code
            for (code,) in marts.execute(
                "select distinct scope_code from metric_values where scope_kind = 'region'"
            ).fetchall()
        }
        counts = dict(
            marts.execute("""
                select scope_code, sum(numerator) from metric_values
                where metric_code = 'business_volume' and scope_kind = 'level' and period_kind = 'ytd' group by 1
            """).fetchall()
        )
    assert levels.items() >= LEVELS[run.site].items()
    counties = {code for code in scopes if code.endswith("000000")}
    assert scopes - counties
    if run.site == "qujiang":
        assert counties == set() and counts["county"] == counts["town"]
    else:
        assert len(counties) == 8 and counts["county"] > counts["town"]


def test_every_site_takes_the_way_that_its_plan_names(run):
    known = run.city.run("simulate", "status")
    assert known["province"] is True
    has_platform = "SHARING_PLATFORM_URL" in (run.city.home / "simulator" / "connections.json").read_text(
        "utf-8"
    )
    assert has_platform == (run.site == "meizhou")
