"""What the systems with cases of their own showed, pull by pull, is what landed, and what is staged of it is the truth.

Expected is worked out from the simulator's own truth; what landed is read from the files, what is staged from the lane.
"""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from simulator import mariadb
from simulator.systems import village_station
from simulator.systems.civil_affairs import TABLES as CIVIL_TABLES
from simulator.systems.national_vertical import KINDS
from tests.e2e.houses import city_in_this_process

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not mariadb.is_available(), reason="no MariaDB server on this machine"),
]

HOURS = (24, 6, 18, 30, 24, 3, 45, 24, 26, 24)
DARK = (2, 3)  # the pulls at which the bureau's server is down
SOURCES = ["civil_affairs", "national_vertical", "provincial_vertical", "village_station"]
FILES = [
    *(("national_vertical", letters) for letters, _ in KINDS.values()),
    ("provincial_vertical", "AJ"),
    ("provincial_vertical", "LC"),
    ("village_station", "register"),
]
REGIONS = Path(__file__).parents[2] / "sites" / "chaozhou" / "seeds" / "regions.csv"
RECORDS = ("SB", "WSYSL", "SL", "SPCL", "BJGZ", "BJSL", "TBCXSQ", "TBCXJG", "BJ", "LQDJ")


class Way:
    """A city that went on ten times, its systems with cases pulled after each step, and everything built at the end."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.reached: list[datetime] = []  # when the bureau's server was pulled

    def go(self) -> None:
        """The whole way."""
        from simulator.commands import advance_by, create_or_start
        from wangting import build

        create_or_start(2_000, 11, 0.05)
        self.pull()
        server = mariadb.Server(self.home / "simulator" / "mariadb")
        for number, hours in enumerate(HOURS, 1):
            advance_by(hours)
            if number in DARK:
                server.stop()
            else:
                server.start()
            self.pull()
        self.pull([])
        build.build("exchange")

    def pull(self, names: list[str] | None = None) -> None:
        """Pull the systems with cases, or (an empty list) all; who is down has not been pulled."""
        from ingestion.pulling import pull
        from wangting import clock

        results = pull(SOURCES if names is None else names)
        failed = {result.source: result.errors for result in results if result.state == "failed"}
        assert failed.keys() <= {"civil_affairs"}, failed
        if not failed:
            self.reached.append(clock.now())

    def truth(self, name: str) -> str:
        """SQL: a truth file."""
        return f"read_parquet('{self.home / 'simulator' / 'truth' / f'{name}.parquet'}')"

    def landed(self, source: str, table: str) -> str:
        """SQL: everything that landed of a table."""
        files = self.home / "landing" / source / table / "**" / "*.parquet"
        return f"read_parquet('{files}', union_by_name = true, hive_partitioning = false)"


@pytest.fixture(scope="module")
def way(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Way]:
    with city_in_this_process(tmp_path_factory.mktemp("carriers") / "var") as home:
        made = Way(home)
        made.go()
        yield made


def _differing(con: duckdb.DuckDBPyConnection, one: str, other: str, kind: str) -> list[Any]:
    return con.sql(
        f"(({one}) except {kind} ({other})) union all (({other}) except {kind} ({one})) limit 5"
    ).fetchall()


@pytest.mark.parametrize(("source", "table"), FILES, ids=[f"{source}__{table}" for source, table in FILES])
def test_every_line_of_every_file_has_landed_once(way: Way, source: str, table: str) -> None:
    con = duckdb.connect()
    names = con.sql(f"from {way.truth(f'{source}__{table}')}").columns
    kinds = {
        name: kind
        for name, kind, *_ in con.sql(f"describe from {way.landed(source, table.lower())}").fetchall()
    }
    pairs = [
        (name, name.partition("（")[0]) for name in names if name not in ("file_at", "region_code", "village")
    ]
    expected = ", ".join(
        f'nullif("{name}"::varchar, \'\')::{kinds[ours]} as "{ours}"' for name, ours in pairs
    )
    # An element of XML that is there and empty is an empty text.
    landed = ", ".join(
        f'nullif("{ours}", \'\') as "{ours}"' if kinds[ours] == "VARCHAR" else f'"{ours}"'
        for _, ours in pairs
    )
    told = f"select {expected} from {way.truth(f'{source}__{table}')}"
    if source == "village_station":
        sheets = str(list(village_station.VILLAGES))
        told = told.replace(" from ", f", {sheets}[village + 1] as _sheet from ", 1)
        landed += ", _sheet"
    assert _differing(con, told, f"select {landed} from {way.landed(source, table.lower())}", "all") == []
    assert con.sql(told).fetchall() or table in ("TQ", "TJ")


@pytest.mark.parametrize("table", CIVIL_TABLES)
def test_every_state_that_a_pull_could_see_of_the_bureaus_rows_has_landed(way: Way, table: str) -> None:
    con = duckdb.connect()
    key = CIVIL_TABLES[table][1]
    con.execute("create table pulls (pulled_at timestamp)")
    con.executemany("insert into pulls values (?)", [(moment,) for moment in way.reached])
    told = f"""
        select distinct * exclude (file_at, pulled_at) from (
            select t.*, pulled_at from {way.truth(f"civil_affairs__{table}")} t join pulls on file_at <= pulled_at
            qualify row_number() over (partition by {key}, pulled_at order by file_at desc) = 1)"""
    names = con.sql(told).columns
    landed = f"select distinct {', '.join(names)} from {way.landed('civil_affairs', table)}"
    assert _differing(con, told, landed, "") == []
    versions = con.sql(f"select count(*) - count(distinct {key}) from ({told})").fetchall()
    assert versions[0][0] > 0 or table != "mz_banjian"  # a step is written once, a notice is seldom answered
    assert len(way.reached) == len(HOURS) + 2 - len(DARK)


@pytest.mark.parametrize("record", RECORDS)
def test_every_record_of_these_systems_is_staged_and_no_other(way: Way, record: str) -> None:
    con = duckdb.connect(str(way.home / "lanes" / "exchange" / "exchange.duckdb"), read_only=True)
    sources = ", ".join(f"'{source}'" for source in SOURCES)
    told = (
        f"select record_key, source from {way.truth('records')}"
        f" where is_latest and record = 'EX_GDBS_{record}' and source in ({sources})"
    )
    staged = f"select record_key, source from ex_gdbs_{record.lower()} where source in ({sources})"
    assert _differing(con, told, staged, "all") == []
    assert con.sql(told).fetchall() or record.startswith("TBCX")


def test_what_is_staged_of_a_case_is_what_the_truth_says(way: Way) -> None:
    con = duckdb.connect(str(way.home / "lanes" / "exchange" / "exchange.duckdb"), read_only=True)
    sources = ", ".join(f"'{source}'" for source in SOURCES)
    con.execute("create temp table regions as select * from read_csv(?, all_varchar = true)", [str(REGIONS)])
    told = f"""
        select case_no, source, item_code, unit_code, statutory_code, applicant_type, channel, applied_at, accepted_at,
            acceptance_refused, closed_at, result
        from {way.truth("cases_as_emitted")} join regions using (region_code) where source in ({sources})"""
    staged = f"""
        select sb.case_no, sb.source, sb.sxbm, sb.sbbmzzjgdm, sb.xzqhdm, sb.sqrlx, sb.tjfs, sb.sbsj,
            case when sl.slztdm = '1' then sl.slsj end, coalesce(sl.slztdm = '2', false), bj.bjsj, bj.bjjgdm
        from ex_gdbs_sb sb left join ex_gdbs_sl sl on sl.case_no = sb.case_no
        left join ex_gdbs_bj bj on bj.case_no = sb.case_no where sb.source in ({sources})"""
    assert _differing(con, told, staged, "all") == []
    assert len(con.sql(told).fetchall()) > 100
