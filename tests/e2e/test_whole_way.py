"""From real source systems to the province and to 三率一数, on a city of 5,000 cases."""

from datetime import date
from pathlib import Path

import duckdb
import pytest

from tests.e2e import city as cities
from tests.e2e import thing_truth, truth
from wangting import figures
from wangting.dbt_assembly import lane_file
from wangting.pseudonym import pseudonymous

pytestmark = pytest.mark.e2e
CASES = 5000
SITE = Path(__file__).parents[2] / "sites" / "chaozhou"
AS_OF = {"first": date(2017, 11, 30), "later": date(2017, 12, 1)}


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    made = cities.City(tmp_path_factory.mktemp("city") / "var")
    yield made
    made.run("simulate", "down")


@pytest.fixture(scope="module")
def first(city):
    """After `make run`: everything through the real DAGs."""
    report = city.run("run", "--cases", str(CASES))
    return city.remember("first", report)


@pytest.fixture(scope="module")
def second(city, first):
    """After doing everything again without anything new."""
    return city.remember("second", city.do_everything())


@pytest.fixture(scope="module")
def later(city, second):
    """A day later: new cases, later stages, corrections, late rows."""
    city.run("simulate", "advance", "--hours", "24")
    return city.remember("later", city.do_everything())


@pytest.fixture(scope="module")
def rebuilt(city, later):
    """Every table as the incremental builds left it, and again after full builds."""
    before = cities.tables(city.home)
    city.run("build", "--full")
    return before, cities.tables(city.home)


def outbox(moment, condition="1 = 1"):
    return {
        (record, key)
        for record, key in moment.ledger(f"select record, record_key from outbox where {condition}")
    }


@pytest.mark.parametrize("moment", ["first", "later"])
def test_every_metric_of_every_unit_and_month_equals_the_simulators_truth(moment, request):
    seen = request.getfixturevalue(moment)
    with truth.connect(seen.truth, seen.marts) as con:
        assert truth.case_differences(con) == []
        cells = con.execute("select count(*), sum(denominator) from m.metric_values").fetchone()
    assert cells[0] > 1000 and cells[1] > CASES


@pytest.mark.parametrize("moment", ["first", "later"])
def test_item_metrics_equal_the_catalogues_truth(moment, request):
    seen = request.getfixturevalue(moment)
    with truth.connect(seen.truth, seen.marts) as con:
        assert truth.item_differences(con, AS_OF[moment]) == []


@pytest.mark.parametrize("moment", ["first", "later"])
def test_every_other_metric_equals_the_truth_in_every_scope_and_period(moment, request):
    seen = request.getfixturevalue(moment)
    with truth.connect(seen.truth, seen.marts) as con:
        assert thing_truth.differences(con, seen.truth, AS_OF[moment], SITE) == []
        counted = dict(
            con.execute("select metric_code, sum(denominator) from expected group by 1").fetchall()
        )
        told = {code for (code,) in con.execute("select distinct metric_code from m.dim_metrics").fetchall()}
    assert min(counted.values()) > 0
    assert told - set(counted) == {
        "business_volume",
        "online_application_rate",
        "online_closing_rate",
        "full_online_item_rate",
        "pushed_in_time_rate",  # held against the twelve hours in tests/exchange/test_clocks.py
    }


@pytest.mark.parametrize("moment", ["first", "later"])
def test_the_periods_are_all_that_have_begun_since_january(moment, request):
    seen = request.getfixturevalue(moment)
    months = [f"2017-{month:02}" for month in range(1, 12 if moment == "first" else 13)]
    expected = {("month", month) for month in months}
    expected |= {("quarter", f"2017-Q{number}") for number in range(1, 5)}
    expected |= {("half", "2017-H1"), ("half", "2017-H2"), ("year", "2017")}
    expected |= {("ytd", f"2017-01..{month}") for month in months} | {
        ("rolling", f"..{month}") for month in months
    }
    with duckdb.connect(seen.marts, read_only=True) as con:
        found = con.execute(
            "select period_kind, period from dim_periods"
            " where period_start >= '2016-02-01' and period_end < '2018-01-01'"
        ).fetchall()
        halves = con.execute(
            "select period, period_start, period_end from dim_periods"
            " where period in ('2017-H1', '2017-H2', '..2017-11') order by 1"
        ).fetchall()
    assert set(found) == expected
    assert halves == [
        ("..2017-11", date(2016, 12, 1), date(2017, 11, 30)),
        ("2017-H1", date(2017, 1, 1), date(2017, 6, 30)),
        ("2017-H2", date(2017, 7, 1), date(2017, 12, 31)),
    ]


def test_every_figure_opens_to_as_many_rows_as_it_counts(city, later, monkeypatch):
    with duckdb.connect(later.marts, read_only=True) as con:
        metrics = con.execute(
            "select metric_code, variant, default_subject, kind, grain from dim_metrics order by 1, 2"
        ).fetchall()
        unit = con.execute(
            "select unit_code from fct_cases where is_business_volume group by 1 order by count(*) desc"
        )
        busiest = unit.fetchone()[0]
    monkeypatch.setenv("WANGTING_HOME", str(city.home))
    for code, variant, subject, kind, grain in metrics:
        scopes = [("city", None), ("region", "445102000000")]
        if not grain.startswith("page"):
            scopes += [("unit", busiest), ("level", "county")]
        for scope in scopes:
            question = figures.Question(code, "2017-H2", *scope, variant=variant)
            shown, behind = figures.answer(question), figures.proof(question)
            inside = [row for row in behind["rows"] if row["is_in_numerator"]]
            if kind == "mean":
                assert sum(row["score"] for row in inside) == shown["numerator"], (code, scope)
            else:
                assert len(inside) == shown["numerator"], (code, variant, scope)
            if kind in ("share", "mean"):
                assert len(behind["rows"]) == shown["denominator"], (code, variant, scope)
            if kind == "ratio":
                assert sum(row["figure_value"] for row in behind["outside"]) == shown["denominator"]
            assert (behind["loads"] != []) == (behind["rows"] != [] or behind["outside"] != [])
            assert shown["subject"] == subject and all(load["source"] for load in behind["loads"])


def test_the_command_line_shows_a_figure_its_cut_and_its_proof(city, later):
    told = ("metric", "satisfaction_rate", "--period", "2017-H2")
    shown = city.run(*told, "--proof", "--by", "unit")
    assert len(shown["proof"]) == shown["denominator"] == sum(cell["denominator"] for cell in shown["by"]) > 0
    listed = {one["metric"]: one for one in city.run("metric", "--period", "2017-H2")}
    assert len(listed) > 25
    assert listed["satisfaction_rate"]["value"] == shown["value"]


def test_a_cut_on_demand_equals_the_cells_that_are_declared(city, later, monkeypatch):
    monkeypatch.setenv("WANGTING_HOME", str(city.home))
    for code in ("online_application_rate", "full_online_item_rate", "satisfaction_rate", "links_open_rate"):
        cells = figures.cut(figures.Question(code, "2017-11"), ["unit"])
        with duckdb.connect(later.marts, read_only=True) as con:
            declared = con.execute(
                "select scope_code, numerator, denominator from metric_values where metric_code = ? and is_official"
                " and period = '2017-11' and scope_kind = 'unit' and subject in ('licence', 'all') and denominator > 0",
                [code],
            ).fetchall()
        found = [(cell["unit"], cell["numerator"], cell["denominator"]) for cell in cells if cell["unit"]]
        assert declared and sorted(found) == sorted(declared)


def test_ranks_are_shared_within_one_level_and_changes_are_against_the_period_before(later):
    with duckdb.connect(later.marts, read_only=True) as con:
        rows = con.execute("""
            select s.scope_code, u.level_code, s.numerator / s.denominator, s.place, s.ranked_count,
                b.numerator / b.denominator, s.change_on_period_before
            from metric_standings s join dim_units u on u.unit_code = s.scope_code
            left join metric_values b on b.metric_code = s.metric_code and b.variant = s.variant
                and b.subject = s.subject and b.scope_kind = 'unit' and b.scope_code = s.scope_code
                and b.period = '2017-10'
            where s.metric_code = 'online_application_rate' and s.scope_kind = 'unit' and s.period = '2017-11'
                and s.subject = 'licence' and s.denominator > 0
        """).fetchall()
    assert len(rows) > 50
    for _, level, rate, place, ranked, before, change in rows:
        equals = [other for _, at, other, *_ in rows if at == level]
        assert place == 1 + sum(other > rate for other in equals) and ranked == len(equals)
        assert change == (None if before is None else pytest.approx(rate - before))
    assert len({(level, place) for _, level, _, place, *_ in rows}) < len(rows)


@pytest.mark.parametrize("moment", ["first", "later"])
def test_the_gate_holds_every_planted_defect_it_can_see_and_nothing_else(moment, request):
    seen = request.getfixturevalue(moment)
    assert outbox(seen, "state = 'HELD'") == set(seen.known(cities.HELD))
    kinds = seen.known("select count(distinct defect_kind) from defects where gate_sees")[0][0]
    assert kinds >= 30


@pytest.mark.parametrize("moment", ["first", "later"])
def test_the_gate_names_every_rule_that_each_record_breaks_and_no_other(city, moment, request):
    seen = request.getfixturevalue(moment)
    batches = [batch for (batch,) in seen.ledger("select batch_id from batches order by cut_at, batch_id")]
    assert truth.finding_differences(seen.truth, city.home, batches) == []
    rules = seen.known(
        "select count(distinct rule) from (select unnest(expected_rules) as rule from records)"
    )
    assert rules[0][0] >= 20


def test_every_sendable_record_is_acknowledged_once(city, first):
    sent = set(first.known(cities.SENDABLE))
    assert len(sent) > 100
    assert outbox(first, "state = 'ACK'") == sent
    doubled = first.ledger("""
        select record, record_key, version from receipts where code = 0 group by 1, 2, 3 having count(*) > 1
    """)
    assert doubled == []


def test_the_province_holds_what_was_acknowledged_and_nothing_twice(city, later):
    held = city.province_records()
    assert len(held) == len(set(held))
    acknowledged = later.ledger("select record, record_key, version from outbox where state = 'ACK'")
    assert set(held) == set(acknowledged)
    assert set(later.known(cities.SENDABLE)) <= {(record, key) for record, key, _ in held}


def test_a_second_run_without_new_data_pushes_nothing_and_changes_no_figure(first, second):
    assert second.ledger("select count(*) from receipts") == first.ledger("select count(*) from receipts")
    assert second.ledger("select count(*) from batches") == first.ledger("select count(*) from batches")
    with duckdb.connect(first.marts, read_only=True) as con:
        con.execute(f"attach '{second.marts}' as later (read_only)")
        changed = con.execute(
            "(from metric_values except from later.metric_values) union all "
            "(from later.metric_values except from metric_values)"
        ).fetchall()
    assert changed == []


def test_a_day_later_only_what_is_new_is_landed_and_pushed(first, later):
    rows_first = first.ledger("select sum(rows) from loads where state = 'committed'")[0][0]
    rows_later = later.ledger("select sum(rows) from loads where state = 'committed'")[0][0]
    assert 0 < rows_later - rows_first < 0.1 * rows_first
    assert later.ledger("select count(*) from receipts") > first.ledger("select count(*) from receipts")


def test_a_full_rebuild_equals_the_incremental_state_table_by_table(rebuilt):
    before, after = rebuilt
    assert before.keys() == after.keys() and len(before) > 30
    assert {name for name in before if before[name] != after[name]} == set()


def test_no_model_holds_every_row_of_one_table_against_every_row_of_another(city, rebuilt, monkeypatch):
    """A left join on anything but equality is done so, and takes minutes where a city has a million cases."""
    monkeypatch.setenv("WANGTING_HOME", str(city.home))
    compiled = city.home / "dbt" / "warehouse" / "target" / "compiled"
    models = [
        file for file in compiled.rglob("models/**/*.sql") if file.is_file() and ".yml" not in str(file)
    ]
    assert len(models) > 100
    with duckdb.connect(str(lane_file("warehouse")), read_only=True) as con:
        con.execute(f"attach '{lane_file('warehouse', 'marts')}' as marts (read_only)")
        con.create_function("pseudonym", pseudonymous(), ["VARCHAR"], "VARCHAR")
        plans = {
            file.stem: con.execute(f"explain {file.read_text('utf-8')}").fetchall()[0][1] for file in models
        }
    pairwise = {name for name, plan in plans.items() if "BLOCKWISE_NL_JOIN" in plan}
    # Few names and few months on both sides; a subquery of one row; a city's departments on one day.
    assert pairwise <= {"fct_repeated_materials", "fct_reference_months", "fct_replies", "dim_units_today"}


def test_trace_shows_one_case_at_every_stop(city, later):
    case_no = later.known("""
        select r.case_no from records r join cases_as_emitted c using (case_no)
        where r.record = 'EX_GDBS_BJ' and c.source = 'unified_platform' and r.expected_outcome = 'passed'
            and r.business_time >= timestamp '2017-11-30 08:00:00' and r.case_no not in
                (select case_no from records where expected_outcome = 'held')
        order by r.case_no limit 1
    """)[0][0]
    shown = city.run("trace", case_no)
    assert {stop for stop, rows in shown.items() if rows} >= {
        "landing",
        "batches",
        "verdicts",
        "outbox",
        "receipts",
        "province",
        "case",
    }


def test_the_status_screen_tells_the_whole_state(first):
    assert {dag["state"] for dag in first.report["dags"]} == {"success"}
    status = first.report["status"]
    assert status["sources"] and status["metrics"] and status["held"]


def test_monitoring_shows_after_the_first_run_what_the_ledger_holds(first):
    """The ledger's sources, open records, stops and alarms are landed after those who write them, before the build."""
    open_rows = dict(
        first.ledger("""
            select case when state = 'HELD' and outcome = 'unchecked' then 'unchecked' else lower(state) end, count(*)
            from outbox where state not in ('ACK', 'SUPERSEDED') group by 1
        """)
    )
    held = dict(
        first.ledger("""
            with recursive broken (rule, rest) as (
                select '', rules || ',' from outbox where state = 'HELD' and outcome = 'held'
                union all
                select substr(rest, 1, instr(rest, ',') - 1), substr(rest, instr(rest, ',') + 1) from broken
                where rest <> ''
            )
            select rule, count(*) from broken where rule <> '' group by 1
        """)
    )
    landed = dict(
        first.ledger(
            "select source, sum(rows) from loads where state = 'committed' and source <> 'watch' group by 1"
        )
    )
    with duckdb.connect(first.marts, read_only=True) as con:
        told = dict(
            con.execute("select standing, sum(record_count) from board_open_records group by 1").fetchall()
        )
        rules = dict(
            con.execute("select rule_id, sum(record_count) from board_held_rules group by 1").fetchall()
        )
        sources = con.execute("select source_name, state, row_count from board_sources").fetchall()
        named = con.execute("select case_no, record_code, record_key from board_worst_records").fetchall()
        stops = con.execute("""
            select sum(landed_count), sum(cut_count), sum(acknowledged_count), sum(read_back_count) from board_stop_days
        """).fetchall()
        pushed = con.execute("select sum(due_count + not_due_count) from board_pushes").fetchall()
        alarms = con.execute("select count(*) from board_alarms").fetchall()
        whose = con.execute(
            "select count(*), count(unit_name), count(county_code) from board_open_records"
        ).fetchone()
    assert told == open_rows and sum(told.values()) > 10
    assert rules == held and len(rules) > 5
    assert {name: rows for name, _, rows in sources if rows} == landed
    assert {state for _, state, _ in sources} <= {"ok", "unavailable"}  # one system needs MariaDB
    assert {(record, key) for _, record, key in named} <= outbox(first, "state not in ('ACK', 'SUPERSEDED')")
    assert len(named) > 10
    assert stops == first.ledger(
        "select sum(landed), sum(cut), sum(acknowledged), sum(read_back) from stop_days"
    )
    assert stops[0][2] == stops[0][3] > 0
    live = "not is_backfill and clock_at is not null and state not in ('SUPERSEDED')"
    assert pushed == first.ledger(f"select count(*) from outbox where {live}")
    assert alarms == first.ledger("select count(*) from alarms where cleared_at is null")
    # The city's own departments and nobody's records are of no county.
    assert whose[0] >= whose[1] > whose[2] > 0


def test_a_second_look_at_a_ledger_without_news_lands_nothing(second, first):
    count = "select count(*) from loads where source = 'watch' and state = 'committed'"
    assert (
        second.ledger(count)[0][0] - first.ledger(count)[0][0] <= 1
    )  # the first run's own landing of receipts


def test_what_was_live_was_in_time_and_the_denominator_is_shown(first):
    late = first.ledger("""
        select count(*) from outbox where state = 'ACK' and not is_backfill
            and julianday(acked_at) - julianday(clock_at) > 0.5 + 1e-6
    """)
    assert late == [(0,)]


def test_the_marts_hold_no_personal_identifier(later):
    numbers = (
        later.known("select distinct id_no from accounts")
        if (later.truth / "accounts.parquet").exists()
        else []
    )
    with duckdb.connect(later.marts, read_only=True) as con:
        columns = con.execute(
            "select table_name, column_name from duckdb_columns() where data_type = 'VARCHAR' and not internal"
        ).fetchall()
        looks_like_an_id = []
        for table, column in columns:
            hit = con.execute(
                f'select count(*) from "{table}" where regexp_full_match("{column}", \'[1-9][0-9]{{16}}[0-9Xx]\')'
            ).fetchone()[0]
            if hit:
                looks_like_an_id.append((table, column))
    assert looks_like_an_id == [] and numbers is not None


def test_nothing_that_the_house_has_written_is_open_to_others(city, later):
    made = [
        path
        for path in city.home.rglob("*")
        if path.relative_to(city.home).parts[0] not in ("simulator", "remembered") and not path.is_symlink()
    ]
    assert {path.relative_to(city.home).parts[0] for path in made} >= {
        "landing",
        "lanes",
        "batches",
        "verdicts",
    }
    assert not [str(path) for path in made if path.lstat().st_mode & 0o077]
    assert city.run("status")["open_to_others"] == []
