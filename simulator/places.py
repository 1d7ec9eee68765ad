"""Which regions and departments has the city? Read from the site's seeds, as facts.

A city has counties with towns in them; a district that is a site of its own has towns only.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from wangting import site_folders
from wangting.errors import WangtingError

# The bureau with a system of its own, by what its name ends with; it belongs to the site itself, not to a county.
_HOUSING = "住房和城乡建设局"
# Towns that still write their cases into spreadsheets; a site without these has its first four do so.
_SPREADSHEET_TOWNS = ("445103110000", "445103108000", "445122100000", "445122117000")


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


def _rows(site: Path, name: str) -> list[dict[str, str]]:
    """The rows of a seed; of a code with several versions the first, as which the simulated city knows it."""
    file = site_folders.of(site).seeds.get(name)
    if file is None:
        raise WangtingError(
            "模拟城市要有区划与部门",
            place=str(site / "seeds" / name),
            mend="补上该文件，或在 site.yml 中继承一个站点",
        )
    first: dict[str, dict[str, str]] = {}
    for row in site_folders.rows(file):
        first.setdefault(next(iter(row.values())), row)
    return list(first.values())


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
        for row in _rows(site, "regions.csv")
    }


@lru_cache
def units(site: Path) -> list[Unit]:
    """The site's departments, in the order of the file."""
    return [
        Unit(number, row["unit_code"], row["unit_name"], row["level_code"], row["region_code"])
        for number, row in enumerate(_rows(site, "units.csv"))
    ]


def division(site: Path) -> Region:
    """The region that the whole site is."""
    return next(region for region in regions(site).values() if region.level == "city")


def foreign_region(site: Path, region_code: str) -> str:
    """A region of the site in which a department of `region_code` has no business: a county, or else a town."""
    mine = regions(site).values()
    others = [
        region.code for region in mine if region.level == "county" and region.code == region.statutory_code
    ]
    others = others or [region.code for region in mine if region.level == "town"]
    size = 6 if others[-1].endswith("000000") else 9
    return others[-2] if region_code[:size] == others[-1][:size] else others[-1]


def housing_unit(site: Path) -> Unit | None:
    """The bureau with a system of its own; None where the site has no such bureau, or does not take its system over."""
    if "housing_bureau" not in site_folders.of(site).sources:
        return None
    own = [unit for unit in units(site) if unit.level == "municipal" and unit.name.endswith(_HOUSING)]
    return own[0] if own else None


def spreadsheet_towns(site: Path) -> frozenset[str]:
    """The regions of the towns that write their cases into spreadsheets."""
    if "town_station" not in site_folders.of(site).sources:
        return frozenset()
    towns = [unit.region_code for unit in units(site) if unit.level == "town"]
    return frozenset([town for town in towns if town in _SPREADSHEET_TOWNS] or towns[:4])
