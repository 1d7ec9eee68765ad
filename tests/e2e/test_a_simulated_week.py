"""A simulated week with an outage of the province and a department's system down for a night.

In `make test` it is a day and a half with a run every hour; `make test-large` lives the whole week with a run
every ten minutes in office hours.
"""

import json
from datetime import datetime

import pytest

from tests.e2e import week

SHORT = week.Calendar(
    begins=datetime(2017, 11, 30, 18),
    ends=datetime(2017, 12, 2, 6),
    every=60,
    at_night=240,
    province_down=(datetime(2017, 12, 1, 9, 30), datetime(2017, 12, 2, 1)),
    bureau_down=(datetime(2017, 12, 1, 8, 30), datetime(2017, 12, 2, 5)),
)
WHOLE = week.Calendar(
    begins=datetime(2017, 11, 30, 18),
    ends=datetime(2017, 12, 7, 18),
    every=10,
    at_night=120,
    province_down=(datetime(2017, 12, 5), datetime(2017, 12, 6)),
    bureau_down=(datetime(2017, 12, 6, 15), datetime(2017, 12, 7, 9, 30)),
)


@pytest.fixture(
    scope="module",
    params=[
        pytest.param((SHORT, 4_000), id="a day and a half"),
        pytest.param((WHOLE, 20_000), id="a week", marks=pytest.mark.large),
    ],
)
def lived(request, tmp_path_factory):
    """The calendar, what truth expects, and the moment after the last run; the house is that of this process."""
    from exchange.cut import cut
    from exchange.passage import judge_and_enqueue
    from exchange.push import push
    from ingestion.pulling import pull
    from simulator.commands import create_or_start
    from wangting.build import build
    from wangting.dbt_assembly import assemble
    from wangting.errors import WangtingError
    from wangting.site import current_site

    calendar, cases = request.param
    home = tmp_path_factory.mktemp("week") / "var"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WANGTING_HOME", str(home))
        create_or_start(cases, 7, 0.01)
        connections = json.loads((home / "simulator" / "connections.json").read_text("utf-8"))
        expected = week.Expected(home / "simulator" / "truth")
        # The others' rows reach no exchange record.
        site = current_site()
        exchanged = sorted({source for source, _ in assemble("exchange", site).tables})

        def stages() -> set[str]:
            results = pull(exchanged)
            build("exchange")
            cut()
            judge_and_enqueue()
            try:
                push()
            except WangtingError as error:
                assert "省平台" in str(error)
            return {result.source for result in results} - {
                result.source for result in results if not result.is_ok
            }

        with week.doors(connections) as doors:
            patch.setenv("PROVINCE_URL", doors["province"].url)
            patch.setenv("HOUSING_BUREAU_URL", doors["housing_bureau"].url)
            as_of = week.live(calendar, doors, expected, stages)
            yield calendar, expected, as_of
        from simulator.commands import down

        down(remove=True, as_json=True)


def test_every_record_stands_as_the_truth_says(lived):
    from exchange import timeliness

    _, expected, as_of = lived
    house, truth = timeliness.standings(as_of), expected.standings(as_of)
    differing = {
        name: (house.get(name), truth.get(name))
        for name in house.keys() | truth.keys()
        if house.get(name) != truth.get(name)
    }
    assert differing == {}


def test_the_share_on_time_and_whose_the_delays_were_are_the_truths(lived):
    from exchange import timeliness

    _, expected, as_of = lived
    found = timeliness.timeliness(by=["system"], as_of=as_of)
    names = (
        "on_time", "late_acknowledged", "late_unsent", "not_due", "without_clock", "late_source", "late_province"
    )  # fmt: skip
    truth = expected.by_system(as_of)
    house = {row["system"]: {name: row[name] for name in names} for row in found.groups}
    assert house == {system: {name: counts[name] for name in names} for system, counts in truth.items()}
    assert found.total["late_ours"] == 0


def test_both_outages_made_records_late(lived):
    """Otherwise the two tests above would have nothing to tell apart."""
    _, expected, as_of = lived
    truth = expected.by_system(as_of)
    assert truth["unified_platform"]["late_province"] > 0
    assert truth["housing_bureau"]["late_source"] > 0
    assert truth["unified_platform"]["on_time"] > 0
