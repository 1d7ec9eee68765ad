"""The documentation page and the freshness of the sources, as dbt itself has them."""

import json
from datetime import datetime, timedelta

import pytest

from tests.dbt_project.landed import land
from tests.dbt_project.written import CITY_UNIT, item
from wangting import clock, dbt_run, docs, glossary, landing_views
from wangting.dbt_assembly import assemble
from wangting.errors import WangtingError
from wangting.site import current_site

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def prepared(house):
    """A lane whose views are there, over one load of the catalogue a week old and one of the licences of now."""
    now = clock.now()
    with pytest.raises(WangtingError, match="还没有构建过"):
        docs.write()
    land("item_catalogue", "items", [item(CITY_UNIT)], loaded_at=now - timedelta(days=40))
    land("elicence", "licences", [{"licence_no": "证1"}], loaded_at=now)
    folder = assemble("warehouse", current_site()).folder
    landing_views.prepare("warehouse", current_site(), {}, {"as_of": now, "mode": "full"})
    return folder


def test_the_page_holds_models_terms_lineage_and_who_reads_them(prepared):
    made = docs.write()
    text = made.page.read_text("utf-8")
    assert made.bytes == made.page.stat().st_size and made.models > 100
    for told in ("frozen_figures", "月度冻结", glossary.terms()["business_volume"], "数据交换运维"):
        assert json.dumps(told)[1:-1] in text  # as the page's own data words it
    # One file that works without a network: no script, style or font comes from elsewhere.
    assert not [part for part in text.split("<script")[1:] if part.lstrip().startswith('src="http')]
    assert '<link rel="stylesheet" href="http' not in text


def test_a_source_that_was_silent_for_too_long_is_stale(prepared):
    results = dbt_run.invoke(
        "warehouse",
        prepared,
        ["source", "freshness", "--select", "source:item_catalogue.items", "source:elicence.licences"],
        writes_files=True,
    )
    found = {result.node.name: (str(result.status), result.max_loaded_at) for result in results}
    assert found["items"][1].replace(tzinfo=None) == datetime(2017, 10, 21, 12)
    assert found["licences"][1].replace(tzinfo=None) == datetime(2017, 11, 30, 12)
    # dbt asks the machine's own clock: years after the simulated one every source is stale, and none an error.
    assert {status for status, _ in found.values()} == {"warn"}
