"""The systems that carry cases of their own: what they show, read as an outsider, is the truth after each step."""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import case_readings as readings
import duckdb
import pytest
from openpyxl import load_workbook
from wording import SITE, make

from simulator import carriers, mariadb
from simulator import city as simulated
from simulator.city import City, Settings
from simulator.systems import SYSTEMS
from simulator.systems.civil_affairs import CivilAffairs, _server

SETTINGS = Settings(3_000, 5, 0.1)
HOURS = (1, 23, 24 * 6)
NAMES = ("civil_affairs", "national_vertical", "provincial_vertical", "village_station")
pytestmark = pytest.mark.skipif(not mariadb.is_available(), reason="no MariaDB server on this machine")


class Made:
    """A city that went on by some steps, the second of which broke off at its end and was made again."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.steps: list[dict[str, tuple[readings.Reading, readings.Reading]]] = []
        city = City(home, SITE, SETTINGS)
        city.create(lambda *_: None)
        self._remember(city)
        for number, hours in enumerate(HOURS):
            if number == 1:
                self._advance(hours, breaks_off=True)
                self.broken = self._shown()
            self._remember(self._advance(hours))
            if number == 1:
                self.mended = self._shown()

    @property
    def drop(self) -> Path:
        return self.home / "simulator" / "drop"

    def truth(self, name: str) -> str:
        return f"read_parquet('{self.home / 'simulator' / 'truth' / name}.parquet')"

    def _advance(self, hours: int, *, breaks_off: bool = False) -> City:
        state = simulated.remembered(self.home)
        assert state is not None
        city = City(self.home, SITE, SETTINGS)  # as a new process would
        since = datetime.fromisoformat(state["emitted_until"])
        step = (since, since + timedelta(hours=hours), date.fromisoformat(state["generated"]))
        if not breaks_off:
            city.advance(*step)
            return city
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(City, "_keep_pending", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
            with pytest.raises(KeyboardInterrupt):
                city.advance(*step)
        return city

    def _shown(self) -> dict[str, object]:
        """Every dropped file's bytes and every row of the bureau's server."""
        files = {
            str(path.relative_to(self.drop)): hashlib.sha256(path.read_bytes()).hexdigest()
            for name in NAMES[1:]
            for path in sorted((self.drop / name).iterdir())
        }
        con = duckdb.connect()
        with _server(self.home).attached(con, "civil_affairs"):
            rows = {
                name: con.execute(f"select r::varchar from civil_affairs.{name} r order by all").fetchall()
                for name in ("mz_banjian", "mz_liucheng", "mz_buzheng")
            }
        truths = {
            path.stem: duckdb.sql(f"select r::varchar from '{path}' r order by all").fetchall()
            for path in sorted((self.home / "simulator" / "truth").glob("*__*.parquet"))
            if path.stem.split("__")[0] in NAMES
        }
        return {**files, **rows, **truths}

    def _remember(self, city: City) -> None:
        url = _server(self.home).url("civil_affairs")
        shown = {
            "civil_affairs": readings.civil_affairs(url),
            "national_vertical": readings.national_vertical(self.drop / "national_vertical"),
            "provincial_vertical": readings.provincial_vertical(self.drop / "provincial_vertical"),
            "village_station": readings.village_station(self.drop / "village_station"),
        }
        told: dict[str, readings.Reading] = {name: {} for name in NAMES}
        for source, number, *case in city.connection.execute(
            "select source, case_no, channel, applied_at, accepted_at, acceptance_refused, closed_at, result"
            f" from {self.truth('cases_as_emitted')}"
        ).fetchall():
            if source in told:
                told[source][number] = tuple(case)  # type: ignore[assignment]
        self.steps.append({name: (shown[name], told[name]) for name in NAMES})


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    home = tmp_path_factory.mktemp("of_cases") / "var"
    home.mkdir()
    before = os.environ.get("WANGTING_HOME")
    os.environ["WANGTING_HOME"] = str(home)
    try:
        yield Made(home)
    finally:
        City(home, SITE, SETTINGS).stop()
        os.environ.pop("WANGTING_HOME") if before is None else os.environ.update(WANGTING_HOME=before)


@pytest.mark.parametrize("name", NAMES)
def test_what_a_system_shows_is_the_truth_of_its_cases_after_each_step(made: Made, name: str) -> None:
    for step in made.steps:
        shown, told = step[name]
        differing = {
            key: (shown.get(key), told.get(key)) for key in {*shown, *told} if shown.get(key) != told.get(key)
        }
        assert differing == {}
    assert len(made.steps[0][name][0]) >= 10
    assert len(made.steps[-1][name][0]) > len(made.steps[0][name][0])


@pytest.mark.parametrize("name", NAMES)
def test_no_case_is_carried_by_two_systems(made: Made, name: str) -> None:
    others = set().union(*(made.steps[-1][other][0] for other in NAMES if other != name))
    assert not others & made.steps[-1][name][0].keys()
    row = duckdb.sql(
        f"select count(*) from {made.truth('cases_as_emitted')} group by case_no having count(*) > 1"
    ).fetchall()
    assert row == []


def test_a_step_that_broke_off_and_is_made_again_adds_nothing_twice(made: Made) -> None:
    assert made.mended.keys() == made.broken.keys()
    assert [name for name in made.broken if made.broken[name] != made.mended[name]] == []


def test_every_record_of_the_national_system_stands_in_its_files(made: Made) -> None:
    kinds = {
        "SQ": "SB", "YS": "WSYSL", "SL": "SL", "GZ": "BJGZ", "BZ": "BJSL", "SP": "SPCL", "TQ": "TBCXSQ", "TJ": "TBCXJG",
        "BJ": "BJ", "LQ": "LQDJ",
    }  # fmt: skip
    shown: Counter[str] = Counter()
    for _, name, content in readings.members(made.drop / "national_vertical"):
        if name != "MANIFEST.xml":
            shown[f"EX_GDBS_{kinds[name.partition('_')[0]]}"] += len(readings.xml_rows(content))
    told = dict(
        duckdb.sql(
            f"select record, count(*) from {made.truth('records')} where source = 'national_vertical' group by 1"
        ).fetchall()
    )
    assert {name: count for name, count in shown.items() if count} == told
    assert len(told) >= 8


@pytest.mark.parametrize(
    ("name", "listing"), [("national_vertical", "MANIFEST.xml"), ("provincial_vertical", "MANIFEST.csv")]
)
def test_a_manifest_names_every_file_with_its_count_and_checksum(made: Made, name: str, listing: str) -> None:
    archives: dict[Path, dict[str, bytes]] = {}
    for path, member, content in readings.members(made.drop / name):
        archives.setdefault(path, {})[member] = content
    assert len(archives) == 11 + 7  # the stock, then a night each until the start, then those of the steps
    for held in archives.values():
        if listing.endswith(".xml"):
            said = {
                str(row["WJM"]): (row["JLS"], row["SHA256"]) for row in readings.xml_rows(held.pop(listing))
            }
            counted = {member: len(readings.xml_rows(content)) for member, content in held.items()}
        else:
            said = {row["file"]: (row["rows"], row["sha256"]) for row in readings.csv_rows(held.pop(listing))}
            counted = {member: len(readings.csv_rows(content)) for member, content in held.items()}
        assert said == {
            member: (str(counted[member]), hashlib.sha256(content).hexdigest())
            for member, content in held.items()
        }


@pytest.mark.parametrize("name", ["national_vertical", "provincial_vertical"])
def test_a_correction_comes_in_a_later_file(made: Made, name: str) -> None:
    batches: dict[str, set[str]] = {}
    for path, member, content in readings.members(made.drop / name):
        if member.startswith(("SQ_", "BJ_")):
            for row in readings.xml_rows(content):
                batches.setdefault(member[:2] + str(row["LSH"]), set()).add(str(row["XFPC"]))
        elif member.startswith("AJ_"):
            for line in readings.csv_rows(content):
                batches.setdefault(line["受理号"], set()).add(path.name)
    assert any(len(found) > 1 for found in batches.values())


def test_a_villages_sheet_looks_as_people_make_it(made: Made) -> None:
    seen: set[str] = set()
    notes = 0
    for path in (made.drop / "village_station").glob("*.xlsx"):
        book = load_workbook(path)
        assert len(book.sheetnames) == 3
        for sheet in book.worksheets:
            merged = {str(span) for span in sheet.merged_cells.ranges}
            assert {"A1:R1", "A3:A4", "B3:C3"} <= merged
            first = [cell.value for cell in sheet["A"]][4:]
            notes += sum(str(text).startswith("说明") for text in first)
            assert str(first[-1]).startswith("填表人") and str(first[-2]).startswith("合计")
            for (text,) in sheet.iter_rows(min_row=5, min_col=7, max_col=7, values_only=True):
                if text:
                    assert isinstance(text, str)
                    seen.add("".join(sign for sign in text if not sign.isdigit()))
    assert seen == {"-- :", ".. :", "年月日 :", "// :"}
    assert notes > 0


def test_a_machine_without_mariadb_has_none_of_that_bureaus_cases_anywhere(
    wording_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mariadb, "find", lambda *names: None)
    city = make(wording_home, 1_000, 3, 0.1)
    assert city.absent == ["civil_affairs"]
    number = carriers.NAMES.index("civil_affairs")
    count = city.connection.execute(
        f"select count(*), count(*) filter (source = {number}) from plan"
    ).fetchone()
    assert count is not None and count[0] > 900 and count[1] == 0
    left = city.connection.execute("select count(*) from all_sb where _source = ?", [number]).fetchone()
    assert left == (0,)
    CivilAffairs().create(city)
    CivilAffairs().advance(city, simulated.BEGINNING, simulated.START)
    assert CivilAffairs().start(wording_home) == {} and not CivilAffairs().stop(wording_home)


def test_the_city_remembers_what_it_was_made_without(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that is taken away later leaves the city's cases as they are."""
    state = json.loads((made.home / "simulator" / "city.json").read_text("utf-8"))
    assert state["absent"] == []
    monkeypatch.setattr(mariadb, "find", lambda *names: None)
    assert City(made.home, SITE, SETTINGS).absent == []


def test_every_visit_to_a_hall_is_about_a_case_and_every_ticket_goes_its_way(made: Made) -> None:
    visits, tickets = made.truth("physical_hall__visits"), made.truth("physical_hall__queue_tickets")
    cases = made.truth("cases_as_happened")
    windows = made.truth("physical_hall__windows")
    lost = f"select 1 from {visits} where case_no not in (select case_no from {cases})"
    assert duckdb.sql(f"from {visits}").fetchall() and not duckdb.sql(lost).fetchall()
    assert not duckdb.sql(
        f"from {visits} where ticket_no is not null and ticket_no not in (select ticket_no from {tickets})"
    ).fetchall()
    assert not duckdb.sql(f"from {tickets} where taken_at >= called_at or called_at >= served_at").fetchall()
    assert not duckdb.sql(
        f"from {tickets} where window_no is not null and window_no not in (select window_no from {windows})"
    ).fetchall()
    states = {state for (state,) in duckdb.sql(f"select distinct state from {tickets}").fetchall()}
    assert states == {"等候", "已叫号", "已办理", "过号"}
    # Who applies at a window is seen there on that very moment.
    assert not duckdb.sql(
        f"select 1 from {visits} v join {cases} c using (case_no)"
        " where v.purpose = '申请' and (c.channel <> '0' or v.visited_at <> c.applied_at)"
    ).fetchall()


def test_no_two_systems_are_called_the_same() -> None:
    names = [system.name for system in SYSTEMS]
    assert len(names) == len(set(names))
