"""A city of the generator alone: everything worded in DuckDB, nothing handed to any source, no server, no clock."""

from datetime import timedelta
from pathlib import Path

from simulator import city as simulated
from simulator import records, truth
from simulator.city import City, Settings

SITE = Path(__file__).resolve().parents[2] / "sites" / "chaozhou"
UNTIL = f"timestamp '{simulated.START}'"


def make(home: Path, cases: int, seed: int, share: float) -> City:
    """A city with its whole history worded in DuckDB, nothing handed to any source."""
    made = City(home, SITE, Settings(cases, seed, share))
    day, days = simulated.FIRST_DAY, []
    while day <= simulated.START.date():
        days.append(made.day(day))
        day += timedelta(days=1)
    made.load(made.draw(made.settle(days, 0)))
    records.build(made.connection)
    truth.latest_views(made.connection, UNTIL)
    return made
