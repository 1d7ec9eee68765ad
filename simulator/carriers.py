"""Which system carries a case? Most the platform; some departments, the towns and the villages have their own.

A case's carrier is its source: the number is the plan's `source`, the name the folder of that source in the site. A
site that has no such source has the platform carry those cases.
"""

from datetime import date
from pathlib import Path

from simulator import mariadb, places, workdays
from wangting import site_folders

NAMES = (
    "unified_platform",
    "housing_bureau",
    "town_station",
    "civil_affairs",
    "national_vertical",
    "provincial_vertical",
    "village_station",
)
PLATFORM, BUREAU, TOWN, CIVIL, NATIONAL, PROVINCIAL, VILLAGE = range(len(NAMES))
PAPER = (TOWN, VILLAGE)  # workbooks: one line a case, minutes only, no approval steps
NIGHTLY = (NATIONAL, PROVINCIAL)  # what a day brought is handed down in the night after it
LIVE = (PLATFORM, BUREAU, CIVIL)  # databases that can be read at any time
TAKES_SUPPLEMENTS = (PLATFORM, CIVIL, NATIONAL)
TAKES_SPECIAL_PROCEDURES = (PLATFORM, NATIONAL)

# The villages' workbooks came later than the towns'; one town in so many has its villages write them.
VILLAGES_FROM = workdays.day_number(date(2017, 9, 1))
_TOWNS_WITH_VILLAGES = 9
# What the name of a department ends in whose cases a system other than the platform carries.
_DEPARTMENTS = {
    "民政局": CIVIL,
    "公安局": NATIONAL,
    "公安分局": NATIONAL,
    "食品药品监督管理局": PROVINCIAL,
}


def of_unit(site: Path, unit: places.Unit) -> int:
    """The carrier of a department's cases; a town's are the platform's, but for those written on paper."""
    if unit == places.housing_unit(site):
        return BUREAU
    if unit.level == "town":
        return PLATFORM
    number = next((each for end, each in _DEPARTMENTS.items() if unit.name.endswith(end)), PLATFORM)
    return number if NAMES[number] in site_folders.of(site).sources else PLATFORM


def absent(site: Path) -> list[str]:
    """The carriers of the site that this machine cannot run: their cases exist nowhere."""
    wanted = NAMES[CIVIL] in site_folders.of(site).sources
    return [NAMES[CIVIL]] if wanted and not mariadb.is_available() else []


def has_villages(site: Path, unit: places.Unit) -> bool:
    """Whether the villages of this town write workbooks."""
    return (
        unit.level == "town"
        and unit.number % _TOWNS_WITH_VILLAGES == 0
        and NAMES[VILLAGE] in site_folders.of(site).sources
        and unit.region_code not in places.spreadsheet_towns(site)
    )
