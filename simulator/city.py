"""What has the city done by a given moment? Generates days, hands their records to the sources, keeps the truth.

State under `$WANGTING_HOME/simulator/`: `city.json` (what city this is and how far it has come), `pending/plan.parquet`
(the cases of which something is still to come), `emitted/`, `truth/`, `drop/town_station/`, `postgres/`.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from simulator import (
    carriers,
    cases,
    declared_counts,
    emission,
    fault_kinds,
    items,
    places,
    population,
    records,
    sources,
    systems,
    truth,
    workbooks,
    workdays,
)
from simulator import world as simulated_world
from simulator.draws import Day
from simulator.postgres import Server
from wangting.engine import literal
from wangting.errors import WangtingError

START = datetime(2017, 11, 30, 18)
FIRST_DAY = date(2017, 1, 3)
FORWARDED_SHARE = 0.003
EVENING_SHARE = 0.035
CHUNK_CASES = 150_000
SPREADSHEET_ROWS = 18_000
BEGINNING = datetime(1970, 1, 1)
_BEGINNING = f"timestamp '{BEGINNING}'"
# Quiet before the New Year holiday, busy after it and in early summer.
_SEASON = (0.82, 0.78, 1.16, 1.06, 1.04, 1.08, 1.00, 0.97, 1.06, 0.98, 1.08, 1.0)
_WEEKDAY = (1.18, 1.05, 1.0, 0.97, 0.9, 0.9, 0.9)
_CLOSED_DAY = 0.12

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Settings:
    """What makes a city the city it is: the number of cases until the start clock, the seed, the share of faults."""

    cases: int
    seed: int
    defects: float


def day_weight(day: date) -> float:
    """How busy a day is, relative to an ordinary working day."""
    if not workdays.is_working(np.array([workdays.day_number(day)]))[0]:
        return _CLOSED_DAY * _SEASON[day.month - 1]
    return _SEASON[day.month - 1] * _WEEKDAY[day.weekday()]


def _days(first: date, last: date) -> Iterator[date]:
    while first <= last:
        yield first
        first += timedelta(days=1)


class City:
    """One simulated city in `home`.

    Args:
        home: WANGTING_HOME.
        site: the site's folder, for its regions and departments.
        settings: which city.
    """

    def __init__(self, home: Path, site: Path, settings: Settings) -> None:
        from wangting import engine

        self.home, self.folder = home, home / "simulator"
        self.site, self.settings = site, settings
        self.catalogue = items.build(site, settings.seed)
        self.people = population.pool_sizes(settings.cases)
        self.server = Server(self.folder / "postgres")
        # Which carriers this machine cannot run: their cases exist nowhere, in no source and in no truth.
        known = remembered(home)
        self.absent: list[str] = known["absent"] if known and "absent" in known else carriers.absent(site)
        # Whether the plan in DuckDB is all that this step brings, or one chunk of the history with more to come.
        self.is_whole = True
        self.connection: duckdb.DuckDBPyConnection = engine.connect()
        simulated_world.open_world(self.connection, site, self.catalogue, settings.cases, settings.seed)
        history = list(_days(FIRST_DAY, START.date()))
        # Where there are no counties nobody passes a case on.
        self._forwarded = FORWARDED_SHARE if self.catalogue.is_forwardable.any() else 0.0
        self._rate = settings.cases * (1 - self._forwarded) / sum(map(day_weight, history))

    @property
    def drop(self) -> Path:
        """The folder into which the towns put their files."""
        return self.folder / "drop" / "town_station"

    # ---- which days bring how much ------------------------------------------------------------------------

    def _cumulative(self, day: date) -> float:
        """Expected cases up to the end of `day`, follow-ups left out."""
        if not hasattr(self, "_totals"):
            self._totals: dict[date, float] = {}
            total = 0.0
            for each in _days(FIRST_DAY - timedelta(days=1), workdays.LAST - timedelta(days=60)):
                total += day_weight(each) * self._rate if each >= FIRST_DAY else 0.0
                self._totals[each] = total
        if day not in self._totals:
            raise WangtingError(
                "模拟城市的日历只到 2018 年 10 月",
                place=day.isoformat(),
                mend="重新建立城市：wangting simulate down --remove",
            )
        return self._totals[day]

    def day(self, day: date, counted: int | None = None) -> Day:
        """The size of one day; on the start day `counted` (cases before it) makes the total exact."""
        before, after = self._cumulative(day - timedelta(days=1)), self._cumulative(day)
        count = int(after) - int(before)
        evening = int(after * EVENING_SHARE) - int(before * EVENING_SHARE)
        forwarded = int(after * self._forwarded) - int(before * self._forwarded)
        if day == START.date() and counted is not None:
            count = max(self.settings.cases - counted, 0) + evening
        forwarded = min(forwarded, count - evening)
        return Day(workdays.day_number(day), max(count - evening, 0), evening, max(forwarded, 0))

    def draw(self, days: list[Day]) -> cases.Plan:
        """The whole plan of some days, faults and times of visibility included."""
        expected = self.settings.cases * 0.045  # lines that the four towns' windows would write
        plan, draws = cases.draw_plan(
            self.catalogue,
            self.settings.seed,
            days,
            self.people,
            min(1.0, SPREADSHEET_ROWS / expected),
            emission.SPREADSHEETS_FROM,
            self.settings.defects > 0,
        )
        emission.emit(plan, draws, self.catalogue, self.settings.defects, workdays.to_seconds(START))
        cases.number_cases(plan)
        return plan

    def load(self, plan: cases.Plan) -> None:
        """Put a plan into DuckDB's table `plan`."""
        simulated_world.load_plan(
            self.connection, plan, self.catalogue, fault_kinds.NUMBER["item_not_in_catalogue"]
        )
        for name in self.absent:
            self.connection.execute(f"delete from plan where source = {carriers.NAMES.index(name)}")

    # ---- the first day and the following ones ---------------------------------------------------------------

    def create(self, progress: Progress) -> dict[str, int]:
        """Make the whole history up to the start clock; the counts of what was made."""
        self.absent = carriers.absent(self.site)
        for name in ("pending", "emitted", "truth", "drop"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
            (self.folder / name).mkdir(parents=True)
        self.drop.mkdir(parents=True)
        self.server.create()
        self.server.start()
        self.server.create_databases()
        for system in systems.SYSTEMS:
            system.create(self)
        until = f"timestamp '{START}'"
        counted, rows = 0, 0
        writers = _Writers(self.connection, self.folder)
        with self.server.attached(self.connection):
            for days in self._chunks():
                days = self.settle(days, counted)
                plan = self.draw(days)
                counted += _applied_by_start(plan)
                self.load(plan)
                del plan
                records.build(self.connection)
                truth.latest_views(self.connection, until)
                rows += sources.load_platform(self.connection, _BEGINNING, until, advances=False)
                rows += sources.load_bureau(self.connection, _BEGINNING, until, first=True)
                self._drop_files(_BEGINNING, until)
                self.is_whole = days[-1].number == workdays.day_number(START.date())
                for system in systems.SYSTEMS:
                    system.advance(self, BEGINNING, START)
                writers.add(until)
                progress(counted, self.settings.cases, f"{workdays.to_date(days[-1].number):%Y年%m月} 的办件")
            progress(counted, self.settings.cases, "建立索引")
        writers.close()
        self.server.create_indexes()
        with self.server.attached(self.connection):
            declared_counts.publish(self.connection, until, self.folder / "truth")
        self._write_services(until)
        last = START.date()
        self._save(START, last)
        return {"cases": counted, "rows": rows}

    def settle(self, days: list[Day], counted: int) -> list[Day]:
        """The same days; where the start day is the last, it is sized so that the whole number is exact.

        Args:
            counted: the cases of all days before these.
        """
        if not days or days[-1].number != workdays.day_number(START.date()):
            return days
        before = counted + _applied_by_start(self.draw(days[:-1]))
        return [*days[:-1], self.day(START.date(), before)]

    def _chunks(self) -> Iterator[list[Day]]:
        chunk: list[Day] = []
        for day in _days(FIRST_DAY, START.date()):
            chunk.append(self.day(day))
            if sum(each.count for each in chunk) >= CHUNK_CASES and day != START.date():
                yield chunk
                chunk = []
        yield chunk

    def advance(self, since: datetime, until: datetime, generated: date) -> dict[str, int]:
        """Emit what became visible in (since, until], drawing the days after `generated` that have begun by then."""
        low, high = f"timestamp '{since}'", f"timestamp '{until}'"
        new = [self.day(day) for day in _days(generated + timedelta(days=1), until.date())]
        old = self.folder / "pending" / "plan.parquet"
        self.load(self.draw(new))
        drawn = self.connection.execute("select count(*) from plan").fetchone()
        self.connection.execute(f"insert into plan by name select * from read_parquet({literal(old)})")
        records.build(self.connection)
        truth.latest_views(self.connection, high)
        with self.server.attached(self.connection):
            rows = sources.load_platform(self.connection, low, high, advances=True)
            rows += sources.load_bureau(self.connection, low, high, first=False)
            declared_counts.publish(self.connection, high, self.folder / "truth")
        files = self._drop_files(low, high)
        for system in systems.SYSTEMS:
            system.advance(self, since, until)
        folder = self.folder / "truth"
        for name, query in _truth_queries(high).items():
            truth.merge(self.connection, folder, name, query)
        self._keep_pending(high)
        self._write_services(high)
        self._save(until, until.date())
        return {"new_cases": int(drawn[0]) if drawn else 0, "rows": rows, "files": files}

    def stop(self) -> None:
        """End every server of the city; what is written stays."""
        for system in systems.SYSTEMS:
            system.stop(self.home)
        self.server.stop()

    def _drop_files(self, since: str, until: str) -> int:
        lines = self.connection.execute(sources.town_lines(since, until)).fetchall()
        regions = places.regions(self.site)
        grouped: dict[tuple[str, datetime], list[tuple[str | None, ...]]] = {}
        for region, dropped_at, *cells in lines:
            grouped.setdefault((region, dropped_at), []).append(tuple(cells))
        for (region, dropped_at), rows in grouped.items():
            known = self.drop / workbooks.file_name(region, dropped_at)
            # The same file of a chunk's border day: its earlier lines stay.
            mine = {row[0] for row in rows}
            kept = [row for row in _lines_of(known) if row[0] not in mine] if known.exists() else []
            workbooks.write(self.drop, region, regions[region].name, dropped_at, [*kept, *rows])
        return len(grouped)

    def _keep_pending(self, until: str) -> None:
        path = self.folder / "pending" / "plan.parquet"
        draft = path.with_suffix(".new")
        self.connection.execute(
            f"copy (select * from plan where last_seen > {until}) to {literal(draft)} (format parquet)"
        )
        draft.replace(path)

    def _write_services(self, until: str) -> None:
        """The catalogue and the items' truth, as they stand at `until`."""
        emitted, true = self.folder / "emitted", self.folder / "truth"
        ended = f"case when ended_at <= {until} then {{0}} end"
        fields = f"""
            code as item_code, version as item_version, name as item_name, parent_code as parent_item_code,
            item_type, unit_code, region_code, is_settled, is_online, depth as online_depth, visits as visit_limit,
            promised as promised_limit, promised_unit as promised_limit_unit, statutory as statutory_limit,
            statutory_unit as statutory_limit_unit, is_immediate, person_theme as person_theme_code,
            legal_theme as legal_theme_code, special_theme as special_theme_code,
            valid_from, {ended.format("valid_to")} as valid_to,
            greatest(announced_at, {ended.format("ended_at")}) as updated_at"""
        visible = f"from versions where announced_at <= {until} order by vid"
        self._replace(emitted / "items.parquet", f"select {fields} {visible}")
        self._replace(true / "items.parquet", f"select {fields}, is_full_online {visible}")

    def _replace(self, path: Path, query: str) -> None:
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        self.connection.execute(f"copy ({query}) to {literal(draft)} (format parquet, compression zstd)")
        draft.replace(path)

    # ---- memory ------------------------------------------------------------------------------------------------

    def _save(self, moment: datetime, generated: date) -> None:
        """Remember how far the city has come; the last thing that a step does."""
        state = {
            **asdict(self.settings),
            "emitted_until": moment.isoformat(),
            "generated": generated.isoformat(),
            "absent": self.absent,
        }
        path = self.folder / "city.json"
        draft = path.with_suffix(".new")
        draft.write_text(json.dumps(state, ensure_ascii=False, indent=1), "utf-8")
        draft.replace(path)


def _applied_by_start(plan: cases.Plan) -> int:
    return int(np.sum(plan["at"][:, cases.SB] <= workdays.to_seconds(START)))


def remembered(home: Path) -> dict[str, Any] | None:
    """What `city.json` says: cases, seed, defects, emitted_until, generated; None where there is no city yet."""
    with suppress(FileNotFoundError):
        state = json.loads((home / "simulator" / "city.json").read_text("utf-8"))
        return dict(state)
    return None


def _lines_of(path: Path) -> list[tuple[str | None, ...]]:
    from openpyxl import load_workbook

    sheet = load_workbook(path, read_only=True).worksheets[0]
    rows = sheet.iter_rows(min_row=5, max_col=len(workbooks.COLUMNS), values_only=True)
    return [tuple(None if cell is None else str(cell) for cell in row) for row in rows]


def _truth_queries(until: str) -> dict[str, str]:
    return {
        "cases_as_emitted": truth.case_rows("latest", until),
        "cases_as_happened": truth.case_rows("happened", until),
        "records": truth.record_rows(until),
        "defects": truth.defect_rows(until),
    }


class _Writers:
    """The growing files of the first generation: each chunk adds to them, and all appear whole at the end."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
        self._connection, self._folder = connection, folder
        self._open: dict[Path, pq.ParquetWriter] = {}

    def add(self, until: str) -> None:
        for name, query in _truth_queries(until).items():
            self._append(self._folder / "truth" / f"{name}.parquet", query)
        self._append(
            self._folder / "pending" / "plan.parquet", f"select * from plan where last_seen > {until}"
        )

    def _append(self, path: Path, query: str) -> None:
        reader = self._connection.execute(query).to_arrow_reader(100_000)
        if path not in self._open:
            self._open[path] = pq.ParquetWriter(
                path.with_suffix(".new"), reader.schema, compression="zstd", compression_level=1
            )
        for batch in reader:
            if batch.num_rows:
                self._open[path].write_table(pa.Table.from_batches([batch]))

    def close(self) -> None:
        for path, writer in self._open.items():
            writer.close()
            path.with_suffix(".new").replace(path)
