"""Which items does the city offer, in which versions? The catalogue, and what the case generator needs of it.

A version is valid from `valid_from` up to, not including, `valid_to`. The catalogue announces a change some days
before it takes effect: only then does the old version get its end.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from simulator import carriers, places, workdays
from simulator.item_names import VARIANTS, trade_of

HOUSING_SHARE = 0.08
LEVEL_SHARE = {"municipal": 0.40, "county": 0.42, "town": 0.18}
_FULL_SHARE = {"municipal": 0.71, "county": 0.61, "town": 0.50}
_ZERO_VISIT_SHARE = {"municipal": 0.19, "county": 0.13, "town": 0.10}
NEVER = date(9999, 1, 1)
# The theme outside the 31 and 34: 扶贫服务. What the catalogue counts to it, by name.
POVERTY = "S01"
POVERTY_SERVICES = (
    "家庭困难学生资助",
    "农村低保申请初审",
    "残疾人康复救助",
    "残疾人教育资助",
    "农机购置补贴申领",
)


@dataclass
class Version:
    """One version of one item, with the catalogue's own fields and the generator's."""

    item: int
    code: str
    version: int
    name: str
    parent_code: str | None
    parent_name: str | None
    item_type: str
    unit: places.Unit
    is_settled: bool
    is_online: bool
    depth: int
    visits: int
    promised: int
    promised_unit: str
    statutory: int
    statutory_unit: str
    is_immediate: bool
    person_theme: str | None
    legal_theme: str | None
    valid_from: date
    announced_at: datetime
    valid_to: date = NEVER
    ended_at: datetime = field(default=datetime(9999, 1, 1))
    is_parent: bool = False
    audience: str = "both"
    special_theme: str | None = None

    @property
    def is_full_online(self) -> bool:
        """Doable online, at most one visit, depth three: the plan's 全流程."""
        return self.is_online and self.depth == 3 and self.visits <= 1


@dataclass
class Catalogue:
    """All versions, with arrays by version (`v_`) and by item for the case generator."""

    versions: list[Version]
    first_version: NDArray[np.int64]
    change_day: NDArray[np.int64]
    item_from: NDArray[np.int64]
    item_to: NDArray[np.int64]
    weight: NDArray[np.float64]
    fallback: NDArray[np.int64]
    online_fallback: NDArray[np.int64]
    is_online: NDArray[np.bool_]
    online_share: NDArray[np.float64]
    is_licence: NDArray[np.bool_]
    is_immediate: NDArray[np.bool_]
    promised: NDArray[np.int64]
    unit: NDArray[np.int64]
    level: NDArray[np.int64]
    is_housing: NDArray[np.bool_]
    is_spreadsheet_town: NDArray[np.bool_]
    is_village_town: NDArray[np.bool_]
    carrier: NDArray[np.int64]
    is_stable: NDArray[np.bool_]
    person_share: NDArray[np.float64]
    abolished: NDArray[np.int64]
    is_full: NDArray[np.bool_]

    @property
    def is_forwardable(self) -> NDArray[np.bool_]:
        """A case that is passed on starts in a county and takes its time: licences of counties, not immediate."""
        slow = self.is_licence & self.is_stable & ~self.is_immediate
        found: NDArray[np.bool_] = slow & (self.level == 1) & (self.carrier == carriers.PLATFORM)
        return found

    def version_on(self, item: NDArray[np.int64], day: NDArray[np.int64]) -> NDArray[np.int64]:
        """The version index of each item on each day number."""
        return self.first_version[item] + (day >= self.change_day[item])


LEVELS = ("municipal", "county", "town")


def _code(trade: int, kind: int, number: int, unit: places.Unit) -> str:
    level = "3" if unit.region_code[4:6] == "00" else "4"
    return f"1{trade:02d}{kind:01d}{trade % 10}3{number:03d}{unit.code}1{level}{unit.region_code[:6]}"


def _base(unit: places.Unit, rng: np.random.Generator) -> list[Version]:
    """The items of one department, first versions, before depth, visits and changes are dealt out."""
    trade_number, trade = trade_of(unit.name)
    variants = {"municipal": VARIANTS[:3], "county": VARIANTS[:2], "town": ()}[unit.level]
    licences = {"municipal": 5, "county": 4, "town": 1}[unit.level]
    services = {"municipal": 5, "county": 3, "town": 4}[unit.level]
    start = datetime(2016, 11, 1, 9)
    made: list[Version] = []

    def add(name: str, kind: int, number: int, parent: Version | None = None) -> Version:
        licence = kind == 1
        immediate = unit.level == "town" or bool(rng.random() < (0.06 if licence else 0.45))
        natural = not immediate and bool(rng.random() < 0.1)
        statutory = int(rng.choice([10, 20, 20, 30, 60] if licence else [5, 10, 20]))
        promised = 1 if immediate else max(2, int(statutory * rng.uniform(0.3, 0.8)))
        audience = str(
            rng.choice(["person", "legal", "both"], p=[0.2, 0.35, 0.45] if licence else [0.45, 0.15, 0.4])
        )
        version = Version(
            item=-1,
            code=_code(trade_number, kind, number, unit),
            version=1,
            name=name,
            parent_code=parent.code if parent else None,
            parent_name=parent.name if parent else None,
            item_type="行政许可" if licence else "公共服务",
            unit=unit,
            is_settled=True,
            is_online=True,
            depth=3,
            visits=1,
            promised=promised,
            promised_unit="Z" if natural else "G",
            statutory=statutory,
            statutory_unit="Z" if natural else "G",
            is_immediate=immediate,
            person_theme=None if audience == "legal" else trade.person_theme,
            legal_theme=None if audience == "person" else trade.legal_theme,
            valid_from=date(2016, 1, 1),
            announced_at=start + timedelta(seconds=int(rng.integers(0, 50 * 86_400))),
            audience=audience,
            special_theme=POVERTY if not licence and name in POVERTY_SERVICES else None,
        )
        made.append(version)
        return version

    for number, name in enumerate(trade.licences[:licences], 1):
        head = add(name, 1, number * 10)
        if number == 1 and variants:
            head.is_parent = True
            for place, variant in enumerate(variants, 1):
                add(f"{name}（{variant}）", 1, number * 10 + place, head)
    for number, name in enumerate(trade.services[:services], 1):
        add(name, 2, number * 10)
    return made


def _deal(versions: list[Version], rng: np.random.Generator) -> None:
    """Deal out depth, visits and online so that each level stands where the plan's targets nearly are."""
    for level in LEVELS:
        mine = [v for v in versions if v.unit.level == level and not v.is_parent]
        order = rng.permutation(len(mine))
        full = round(_FULL_SHARE[level] * len(mine))
        zero = round(_ZERO_VISIT_SHARE[level] * full)
        for rank, index in enumerate(order):
            version = mine[int(index)]
            if rank < full:
                version.visits = 0 if rank < zero else 1
                continue
            draw = rng.random()
            version.is_online = bool(draw > 0.3)
            version.visits = int(rng.choice([1, 2, 3], p=[0.3, 0.5, 0.2])) if version.is_online else 2
            version.depth = 3 if version.visits > 1 and draw > 0.8 else int(rng.integers(1, 3))


def _change(versions: list[Version], rng: np.random.Generator) -> list[Version]:
    """Second versions: most of them raise an item to 全流程, as the year's plan asks; a few lower it."""
    changed: list[Version] = []
    for old in versions:
        if old.is_parent or rng.random() > 0.12 or old.valid_to != NEVER or old.valid_from.year > 2016:
            continue
        if rng.random() < 0.08:
            start = date(2017, 12, 1) + timedelta(days=int(rng.integers(1, 6)))
        else:
            start = date(2017, int(rng.integers(2, 12)), int(rng.choice([1, 1, 15])))
        announced = datetime.combine(start, datetime.min.time()) - timedelta(hours=float(rng.uniform(6, 60)))
        announced = announced.replace(microsecond=0)
        new = Version(**{**old.__dict__, "version": 2, "valid_from": start, "announced_at": announced})
        if old.is_full_online and rng.random() < 0.3:
            new.visits = 2
        else:
            new.is_online, new.depth, new.visits = True, 3, min(old.visits, 1)
        if not old.is_immediate and rng.random() < 0.5:
            new.promised = max(2, old.promised - 1)
        old.valid_to, old.ended_at = start, announced
        changed.append(new)
    return changed


def build(site: Path, seed: int) -> Catalogue:
    """The city's catalogue; the same site and seed give the same items."""
    rng = np.random.default_rng([seed, 1])
    versions: list[Version] = []
    for unit in places.units(site):
        versions.extend(_base(unit, rng))
    _deal(versions, rng)
    parents = {v.code for v in versions if v.is_parent}
    bureau = places.housing_unit(site)
    for number, version in enumerate(versions):
        version.item = number
        if version.is_parent or version.unit == bureau:
            continue
        draw = rng.random()
        month = date(2017, int(rng.integers(3, 11)), 1)
        before = datetime.combine(month, datetime.min.time()) - timedelta(days=2, seconds=-36_000)
        if draw < 0.02 and version.unit.level != "town":
            version.valid_to, version.ended_at = month, before
        elif draw < 0.04:
            version.valid_from, version.announced_at = month, before
        elif draw < 0.07:
            version.is_settled = False
    assert len(parents) > 0
    versions = sorted(versions + _change(versions, rng), key=lambda v: (v.item, v.version))
    return _arrays(versions, bureau, places.spreadsheet_towns(site), site, rng)


def _arrays(
    versions: list[Version],
    bureau: places.Unit | None,
    towns: frozenset[str],
    site: Path,
    rng: np.random.Generator,
) -> Catalogue:
    count = versions[-1].item + 1
    first = np.array([n for n, v in enumerate(versions) if v.version == 1], dtype=np.int64)
    last = np.concatenate([first[1:], [len(versions)]]) - 1
    heads = [versions[n] for n in first]
    tails = [versions[n] for n in last]
    number = workdays.day_number
    far = number(NEVER)
    change = np.array([number(v.valid_from) if v.version == 2 else far for v in tails], dtype=np.int64)
    item_from = np.array([number(v.valid_from) for v in heads], dtype=np.int64)
    item_to = np.array([number(v.valid_to) for v in tails], dtype=np.int64)
    takes_cases = np.array([not v.is_parent and v.is_settled for v in heads])
    level = np.array([LEVELS.index(v.unit.level) for v in heads], dtype=np.int64)
    housing = np.array([v.unit == bureau for v in heads])
    spreadsheet = np.array([v.unit.level == "town" and v.unit.region_code in towns for v in heads])
    villages = np.array([carriers.has_villages(site, v.unit) for v in heads])
    carrier = np.array([carriers.of_unit(site, v.unit) for v in heads], dtype=np.int64)
    stable = takes_cases & (change == far) & (item_to == far) & (item_from < number(date(2017, 1, 1)))
    online = np.array([all(v.is_online for v in (heads[n], tails[n])) for n in range(count)])
    weight = np.where(takes_cases, 1.0 / (rng.permutation(count) * 0.02 + 4.0) ** 0.8, 0.0)
    weight[spreadsheet] *= 24.0  # towns that write much: the county seats and the industrial towns
    weight[villages] *= 12.0  # so that their few months show
    for place, name in enumerate(LEVELS):
        mine = (level == place) & ~housing
        if mine.any():  # a district has no counties
            share_of_bureau = HOUSING_SHARE if place == 0 and housing.any() else 0
            weight[mine] *= (LEVEL_SHARE[name] - share_of_bureau) / weight[mine].sum()
    if housing.any():
        weight[housing] *= HOUSING_SHARE / weight[housing].sum()
    unit = np.array([v.unit.number for v in heads], dtype=np.int64)
    fallback = _fallbacks(stable & ~housing, unit, level)
    full = np.array([v.is_full_online for v in heads])
    share = np.where(full, rng.uniform(0.78, 0.97, count), rng.uniform(0.35, 0.65, count))
    share = np.where(online, share - np.array([0.0, 0.06, 0.30])[level], 0.0)
    return Catalogue(
        versions=versions,
        first_version=first,
        change_day=change,
        item_from=item_from,
        item_to=item_to,
        weight=weight,
        fallback=fallback,
        online_fallback=_fallbacks(stable & online & ~housing, unit, level),
        is_online=online,
        online_share=share,
        is_licence=np.array([v.item_type == "行政许可" for v in heads]),
        is_immediate=np.array([v.is_immediate for v in heads]),
        promised=np.array([v.promised for v in heads], dtype=np.int64),
        unit=unit,
        level=level,
        is_housing=housing,
        is_spreadsheet_town=spreadsheet,
        is_village_town=villages,
        carrier=carrier,
        is_stable=stable,
        person_share=np.array([{"person": 1.0, "legal": 0.0, "both": 0.6}[v.audience] for v in heads]),
        abolished=np.flatnonzero((item_to < far) & (carrier == carriers.PLATFORM)),
        is_full=full,
    )


def _fallbacks(
    good: NDArray[np.bool_], unit: NDArray[np.int64], level: NDArray[np.int64]
) -> NDArray[np.int64]:
    """For each item a good one of the same department, or else of the same level."""
    answer = np.zeros(len(unit), dtype=np.int64)
    for item in range(len(unit)):
        same = np.flatnonzero(good & (unit == unit[item]))
        if not len(same):
            same = np.flatnonzero(good & (level == level[item]))
        answer[item] = same[item % len(same)]
    return answer


def arrow(catalogue: Catalogue) -> pa.Table:
    """The versions as a table for DuckDB, `vid` being the version's index."""
    names = [
        "vid item code version name parent_code parent_name item_type unit_number unit_code unit_name level_code"
        " region_code is_settled is_online depth visits promised promised_unit statutory statutory_unit"
        " is_immediate person_theme legal_theme special_theme valid_from valid_to announced_at ended_at is_full_online"
    ][0].split()
    rows = [
        (
            n, v.item, v.code, v.version, v.name, v.parent_code, v.parent_name, v.item_type, v.unit.number,
            v.unit.code, v.unit.name, v.unit.level, v.unit.region_code, v.is_settled, v.is_online, v.depth, v.visits,
            v.promised, v.promised_unit, v.statutory, v.statutory_unit, v.is_immediate, v.person_theme,
            v.legal_theme, v.special_theme, v.valid_from, None if v.valid_to == NEVER else v.valid_to, v.announced_at,
            None if v.valid_to == NEVER else v.ended_at, v.is_full_online,
        )
        for n, v in enumerate(catalogue.versions)
    ]  # fmt: skip
    return pa.table({name: pa.array([row[n] for row in rows]) for n, name in enumerate(names)})
