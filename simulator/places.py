"""Which regions and departments has the city? Read from the site's seeds, as facts."""

import csv
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path


@dataclass(frozen=True)
class Region:
    """A region, by its 12-digit code; `statutory_code` is what the province knows it by."""

    code: str
    name: str
    level: str
    parent_code: str
    statutory_code: str


@dataclass(frozen=True)
class Unit:
    """A department, by its organisation code (GB 11714, 9 characters); level is municipal, county or town."""

    number: int
    code: str
    name: str
    level: str
    region_code: str


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@lru_cache
def regions(site: Path) -> dict[str, Region]:
    """The site's regions by code."""
    return {
        row["region_code"]: Region(
            row["region_code"],
            row["region_name"],
            row["region_level"],
            row["parent_code"],
            row["statutory_code"],
        )
        for row in _rows(site / "seeds" / "regions.csv")
    }


@lru_cache
def units(site: Path) -> list[Unit]:
    """The site's departments, in the order of the file."""
    return [
        Unit(number, row["unit_code"], row["unit_name"], row["level_code"], row["region_code"])
        for number, row in enumerate(_rows(site / "seeds" / "units.csv"))
    ]
