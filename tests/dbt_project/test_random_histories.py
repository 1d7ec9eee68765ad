"""Histories that nobody wrote: stages in any order, corrections before and after what they correct, deletes, records
that come back, catalogue and department changes. Whatever came, step by step ends as all at once."""

import random
import shutil
from datetime import date, datetime, timedelta

import pytest

from tests.dbt_project import states
from tests.dbt_project.landed import land, land_deletes
from tests.dbt_project.written import CITY_UNIT, Case, item, item_code, moment
from wangting import clock, dbt_run, settings
from wangting.build import build
from wangting.errors import WangtingError

pytestmark = pytest.mark.timeout(1800)
PLATFORM = "unified_platform"
COUNTY_UNIT = "071930037"  # of the city's seed, in the first of its counties
STEPS, BREAKS_OFF = 7, 4
UNITS = (CITY_UNIT, COUNTY_UNIT)


class History:
    """What has been said so far, and how it goes on."""

    def __init__(self, seed):
        self.draw = random.Random(seed)
        self.cases, self.said, self.gone, self.version = [], [], [], 1

    def day(self):
        return self.draw.randrange(1, 29)

    def moment(self):
        """In one of three months, the last of which has hardly begun when the history ends."""
        return moment(self.day(), 9, self.draw.choice([10, 11, 12]))

    def post(self):
        """Who handles a step."""
        return {"spbmzzjdmd": self.draw.choice(UNITS), "sprzwdm": self.draw.choice(["1", "2", None])}

    def stage(self, case):
        """A stage of a case, whether or not those before it have come; a later version may be the first to come."""
        later = {"version": self.draw.choice([1, 1, 2, 3]), "inserttime": moment(self.day(), 8)}
        unit = self.draw.choice(UNITS)
        return self.draw.choice(
            [
                ("ex_gdbs_sb", case.sb(**later, tjfs=self.draw.choice("018"))),
                ("ex_gdbs_sb", case.sb(**later, sxbm=item_code(unit), sbbmzzjgdm=unit)),
                ("ex_gdbs_sl", case.sl(self.day(), **later, slztdm=self.draw.choice("112"))),
                ("ex_gdbs_sb", case.sb(**later, sbsj=self.moment())),
                ("ex_gdbs_bj", case.bj(self.day(), self.draw.choice("012567"), **later)),
                ("ex_gdbs_bj", case.bj(self.day(), self.draw.choice("06"), **later, bjsj=self.moment())),
                ("ex_gdbs_spcl", case.spcl(self.draw.randrange(1, 4), self.day(), **self.post())),
                ("ex_gdbs_spcl", case.spcl(1, 5, **self.post(), **later, spsj=self.moment())),
                ("ex_gdbs_lqdj", case.lqdj(self.day(), self.draw.choice("018"))),
            ]
        )

    def catalogue(self):
        """A new version of one item, or the old one put otherwise."""
        self.version += self.draw.randrange(2)
        begins = date(2017, 11, 1) + timedelta(days=self.day())
        return item(
            self.draw.choice(UNITS),
            item_version=self.version,
            visit_limit=self.draw.randrange(3),
            is_settled=self.draw.random() < 0.8,
            valid_from=begins if self.version > 1 else date(2016, 1, 1),
            updated_at=datetime(2017, 11, 1) + timedelta(hours=self.draw.randrange(700)),
        )

    def licence(self):
        """One of few licences, so that versions meet."""
        day = self.day()
        return {
            "licence_no": f"证{self.draw.randrange(9)}",
            "licence_kind": "许可证",
            "status": self.draw.choice(["valid", "changed", "abolished"]),
            "issued_at": moment(1),
            "updated_at": moment(day),
        }

    def adjustment(self):
        """A power that moves, or its correction."""
        return {
            "adjustment_no": f"调{self.draw.randrange(4)}",
            "adjustment_kind": self.draw.choice(["下放", "取消", "转移"]),
            "item_code": item_code(self.draw.choice(UNITS)),
            "from_unit_code": CITY_UNIT,
            "to_unit_code": COUNTY_UNIT,
            "effective_on": date(2017, 11, self.day()),
            "updated_at": moment(self.day()),
        }

    def go_on(self):
        """Land one step's news, in loads of random cut."""
        self.cases += [
            Case(self.draw.choice(UNITS), self.day(), sqrzjhm=f"44510219800101{number % 7:04d}")
            for number in range(12)
        ]
        news = [self.stage(self.draw.choice(self.cases)) for _ in range(60)]
        loads = {}
        for table, row in news:
            loads.setdefault((PLATFORM, table, self.draw.randrange(2)), []).append(row)
        loads["item_catalogue", "items", 0] = [self.catalogue() for _ in range(self.draw.randrange(1, 3))]
        loads["item_catalogue", "power_adjustments", 0] = [self.adjustment() for _ in range(2)]
        loads["elicence", "licences", 0] = [self.licence() for _ in range(5)]
        order = sorted(loads)
        self.draw.shuffle(order)
        for source, table, part in order:
            land(source, table, loads[source, table, part])
            self.said += [(source, table, row) for row in loads[source, table, part]]
        self.take_back()

    def take_back(self):
        """Some of what was said is deleted at its source; some of what was deleted comes back."""
        returning = [one for one in self.gone if self.draw.random() < 0.3]
        deletable = [one for one in self.said if one[1] not in ("items", "power_adjustments")]
        for source, table, row in self.draw.sample(deletable, 6):
            land_deletes(source, table, [row])
            self.gone.append((source, table, row))
        for source, table, row in returning:
            land(source, table, [row])


def move_a_department(site, day):
    """From this day on the county department belongs to another county."""
    file = site / "seeds" / "units.csv"
    lines = file.read_text("utf-8").splitlines()
    (place,) = [number for number, line in enumerate(lines) if line.startswith(f"{COUNTY_UNIT},")]
    code, name, level, region, parent, *_ = lines[place].split(",")
    elsewhere = next(other for other in ("445103000000", "445122000000") if other != region)
    lines[place] = f"{code},{name},{level},{region},{parent},,{day},"
    lines.insert(place + 1, f"{code},{name},{level},{elsewhere},{parent},{day},,")
    file.write_text("\n".join(lines) + "\n", "utf-8")


def break_off(monkeypatch):
    """A build that gets as far as the cases' facts, and not to what is counted from them."""
    before = dbt_run.build

    def breaking_off(lane, folder, arguments, *more):
        as_far_as = ["--select", "+fct_cases", "+fct_steps", "--indirect-selection=cautious"]
        before(lane, folder, [*as_far_as, *arguments], *more)
        raise WangtingError("磁盘已满")

    with monkeypatch.context() as patch:
        patch.setattr(dbt_run, "build", breaking_off)
        with pytest.raises(WangtingError, match="磁盘已满"):
            build("warehouse")


@pytest.mark.parametrize("seed", [7, pytest.param(20171115, marks=pytest.mark.large)])
def test_any_history_taken_in_bit_by_bit_equals_a_full_rebuild(seed, tmp_path, monkeypatch):
    site = shutil.copytree(settings.REPOSITORY / "sites" / "chaozhou", tmp_path / "city")
    monkeypatch.setenv("WANGTING_HOME", str(tmp_path / "var"))
    monkeypatch.setenv("WANGTING_SITE", str(site))
    monkeypatch.delenv("WANGTING_LEDGER_URL", raising=False)
    clock.set_simulated(datetime(2017, 11, 30, 12))
    history, modes = History(seed), []
    land("item_catalogue", "items", [item(unit) for unit in UNITS])
    for step in range(STEPS):
        if step:
            clock.advance(timedelta(hours=7))
        history.go_on()
        if step == 1:
            move_a_department(site, "2017-11-15")
        if step == BREAKS_OFF:
            break_off(monkeypatch)
            history.go_on()
        modes.append(build("warehouse").mode)
    assert modes == ["full", "full", "incremental", "incremental", "repeat", "incremental", "incremental"]
    assert states.beside_a_full_build("warehouse", tmp_path / "kept") == {}
