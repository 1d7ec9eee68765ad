"""Another version of the specification comes into force: nothing is sent again for it, and what is new travels."""

import shutil

import duckdb
import pyarrow.parquet as pq
import pytest

from exchange.cut import cut
from tests.dbt_project.landed import land
from tests.dbt_project.written import CITY_UNIT, Case, item, moment
from wangting import settings
from wangting.build import build
from wangting.dbt_assembly import lane_file

pytestmark = pytest.mark.timeout(600)
PLATFORM = "unified_platform"
PINNED = 'version: {value: "2013", why: 省网尚未启用增补字段}\n'


@pytest.fixture(scope="module")
def passage(house, tmp_path_factory):
    """Cuts under 2013, under 2016 without news, and after a field of 2016 was filled in."""
    site = shutil.copytree(
        settings.REPOSITORY / "sites" / "chaozhou", tmp_path_factory.mktemp("site") / "city"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WANGTING_SITE", str(site))
        (site / "specification.yml").write_text(PINNED, "utf-8")
        first, second = Case(day=1), Case(day=2)
        land("item_catalogue", "items", [item(CITY_UNIT)])
        load = land(PLATFORM, "ex_gdbs_sb", [first.sb(), second.sb()])
        land(PLATFORM, "ex_gdbs_sl", [first.sl(2)])
        land(PLATFORM, "ex_gdbs_bj", [first.bj(3)])
        _as_landed_before_the_columns_were_declared(load)
        builds, cuts = [build("exchange")], [cut()]
        (site / "specification.yml").unlink()
        builds.append(build("exchange"))
        cuts += [cut(), cut(full=True)]
        land(PLATFORM, "ex_gdbs_sb", [first.sb(version=2, inserttime=moment(4), wssbqd="3", sxbbh="1")])
        builds.append(build("exchange"))
        cuts.append(cut())
        yield {"builds": builds, "cuts": cuts, "first": first}


def _as_landed_before_the_columns_were_declared(load):
    (path,) = (settings.home() / "landing").rglob(f"{load}.parquet")
    table = pq.read_table(path)
    pq.write_table(table.drop_columns(["sxbbh", "wssbqd", "obtain_paper_way"]), path)


def _batch(summary, record, columns):
    path = f"{settings.home()}/batches/{summary.batch_id}/{record}.parquet"
    return duckdb.sql(f"select {columns} from read_parquet('{path}', union_by_name = true)").fetchall()


def test_a_version_that_comes_into_force_is_a_reason_for_a_full_build(passage):
    assert [summary.mode for summary in passage["builds"]] == ["full", "full", "incremental"]


def test_a_record_cut_under_one_version_is_not_cut_again_under_the_next(passage):
    under_2013, under_2016, compared, _ = passage["cuts"]
    assert under_2013.new == 4
    # Nobody judged the first batch, so the new rules have its records presented once more, as the versions they are.
    for again in (under_2016, compared):
        assert (again.new, again.corrected) == (0, 0)
        assert not again.batch_id or {version for (version,) in _batch(again, "*", "version")} == {1}


def test_a_field_of_the_new_version_that_is_filled_in_makes_a_correction(passage):
    last = passage["cuts"][-1]
    assert (last.new, last.corrected) == (0, 1)
    rows = _batch(last, "ex_gdbs_sb", "sblsh, version, wssbqd, sxbbh")
    assert rows == [(passage["first"].no, 2, "3", "1")]


def test_what_the_source_did_not_land_is_null(passage):
    with duckdb.connect(str(lane_file("exchange")), read_only=True) as lane:
        found = lane.execute("select count(*), count(wssbqd), count(project_code) from ex_gdbs_sb").fetchone()
    assert found == (2, 1, 0)
