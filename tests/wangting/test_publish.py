"""A release is switched to as a whole, and readers follow."""

import duckdb
import pytest

from wangting import clock, ledger, publish, settings
from wangting.errors import WangtingError


def built(number, state="passed"):
    """A warehouse build, passed or not, whose marts hold `number`."""
    folder = settings.home() / "lanes" / "warehouse"
    folder.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(folder / "marts.duckdb") as con:
        con.execute(f"create or replace table figures as select {number} as number")
    ledger.record(
        ledger.builds,
        build_id=f"warehouse-{number}",
        lane="warehouse",
        mode="full",
        state=state,
        started_at=clock.now(),
        finished_at=clock.now(),
    )


def read():
    with duckdb.connect(publish.require_release(), read_only=True) as con:
        return con.execute("select number from figures").fetchone()[0]


def test_before_the_first_release_readers_are_told_what_to_do(home):
    with pytest.raises(WangtingError, match="make run"):
        publish.require_release()
    with pytest.raises(WangtingError, match="wangting build"):
        publish.publish()


def test_a_new_build_is_published_once_and_readers_see_it(home):
    built(1)
    assert publish.publish().is_new and read() == 1
    assert not publish.publish().is_new
    built(2)
    assert publish.publish().is_new and read() == 2


def test_a_reader_keeps_what_it_opened_and_old_releases_go(home):
    built(1)
    publish.publish()
    with duckdb.connect(publish.require_release(), read_only=True) as con:
        for number in range(2, 7):
            built(number)
            publish.publish()
        assert con.execute("select number from figures").fetchone()[0] == 1
    assert read() == 6
    kept = [path for path in (home / "releases").iterdir() if not path.is_symlink()]
    assert len(kept) == publish.KEPT


def test_marts_that_a_killed_build_left_half_done_are_not_published(home):
    built(1)
    publish.publish()
    built(2, "running")
    assert not publish.publish().is_new and read() == 1
    built(3)
    built(4, "running")
    with pytest.raises(WangtingError, match="重新构建后再发布"):
        publish.publish()
    assert read() == 1
    built(5)
    assert publish.publish().is_new and read() == 5
