"""Items and cases written by hand: complete and correct in the platform's own words, so that only what an example is
about decides."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import count
from typing import Any

from tests.house.tree import ROOT

REGION = "445100000000"
HALL = "潮州市行政服务中心"
ONLINE, WINDOW, POST = "1", "0", "8"
_numbers = count(1)
_items = count(101)


def march(day: int, hour: int = 10, minute: int = 0) -> datetime:
    """A time in March 2017."""
    return datetime(2017, 3, day, hour, minute)


def unit_name(unit: str) -> str:
    """A unit's name, by the city's seed."""
    lines = (ROOT / "sites" / "chaozhou" / "seeds" / "units.csv").read_text("utf-8").splitlines()
    return next(line.split(",")[1] for line in lines if line.startswith(f"{unit},"))


@dataclass(frozen=True)
class Item:
    """An item of one municipal unit, with its versions as the catalogue lists them."""

    code: str
    name: str
    unit: str
    versions: list[dict[str, Any]]


def item(
    name: str,
    unit: str,
    *,
    visits: int = 1,
    depth: int = 3,
    licence: bool = True,
    until: date | None = None,
    **more: Any,
) -> Item:
    """An item valid since 2017 began; by default 全流程. `more` is in the catalogue's words."""
    code = f"445{next(_items)}001{unit}13{REGION[:6]}"
    version = {
        "item_code": code, "item_version": 1, "item_name": name, "item_type": "行政许可" if licence else "公共服务",
        "unit_code": unit, "region_code": REGION, "is_settled": True, "is_online": True, "online_depth": depth,
        "visit_limit": visits, "promised_limit": 10, "promised_limit_unit": "G", "statutory_limit": 20,
        "statutory_limit_unit": "G", "is_immediate": False, "valid_from": date(2017, 1, 1), "valid_to": until,
        "updated_at": datetime(2017, 1, 1),
    }  # fmt: skip
    return Item(code, name, unit, [version | more])


def then(earlier: Item, since: date, **changes: Any) -> Item:
    """The item with a further version that holds from `since` on."""
    last = earlier.versions[-1]
    closed = last | {"valid_to": since}
    new = last | {"item_version": last["item_version"] + 1, "valid_from": since, "valid_to": None} | changes
    return Item(earlier.code, earlier.name, earlier.unit, [*earlier.versions[:-1], closed, new])


@dataclass
class Case:
    """One case; times decide which records it has.

    Attributes:
        refused: refused at acceptance.
        supplements: notice time, receipt time (None: never came) and place, in turn.
        inspection: the staff's own inspection: start and end.
        inspection_limit: its limit in working days, if it has one.
        closed, result: the closing. collected, way: the collection.
    """

    item: Item
    channel: str
    applied: datetime
    accepted: datetime | None = None
    refused: bool = False
    supplements: list[tuple[datetime, datetime | None, str]] = field(default_factory=list)
    inspection: tuple[datetime, datetime] | None = None
    inspection_limit: int | None = None
    approved: datetime | None = None
    closed: datetime | None = None
    result: str | None = None
    collected: datetime | None = None
    way: str | None = None
    promised: int = 10
    number: str = ""

    def __post_init__(self) -> None:
        self.number = f"{self.item.code[:19]}{self.applied:%y%m%d}{next(_numbers):04}"

    def rows(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """The platform's rows of this case: table, column → value."""
        unit = self.item.unit
        yield "ex_gdbs_sb", self._row(
            sxmc=self.item.name, sqrlx="1", sqrmc="申请人", sqrzjlx="099", sqrzjhm=f"证件{self.number}", lxrxm="联系人",
            lxrsj="13800000000", sbxmmc=self.item.name, sbclqd="申请表", tjfs=self.channel, sbhzh=self.number,
            sbsj=self.applied, sbbmzzjgdm=unit, sbjtwd=HALL if self.channel == WINDOW else None,
        )  # fmt: skip
        if self.channel == ONLINE:
            yield (
                "ex_gdbs_wsysl",
                self._row(
                    yslbmmc=unit_name(unit),
                    yslbmzzjgdm=unit,
                    blrxm="预受理人",
                    yslztdm="1",
                    yslsj=self.applied,
                ),
            )
        for number, (noticed, received, place) in enumerate(self.supplements, 1):
            yield "ex_gdbs_bjgz", self._row(
                bjgzfcrxm="经办人", bjgzyy="申请表缺页", bjclqd="申请表", bjgzsj=noticed, xh=number
            )  # fmt: skip
            if received is not None:
                yield "ex_gdbs_bjsl", self._row(
                    bjslblrxm="经办人", bjclqd="申请表", bjsj=received, bjsljtdd=place, xh=number
                )  # fmt: skip
        if self.accepted is not None:
            yield "ex_gdbs_sl", self._row(
                slbmmc=unit_name(unit), slbmzzjddm=unit, blrxm="受理人", slztdm="2" if self.refused else "1",
                bslyy="不属于本部门职权" if self.refused else None, slhzh=self.number, slsj=self.accepted,
                gdblsx=self.promised, gdblsxdw="G", slzlqd="申请表",
            )  # fmt: skip
        if self.inspection is not None:
            start, end = self.inspection
            limit, in_days = self.inspection_limit, "G" if self.inspection_limit is not None else None
            yield "ex_gdbs_tbcxsq", self._row(
                xh=1, tbcxzl="B", tbcxzlmc="现场勘验", tbcxksrq=start, tbcxsx=limit, tbcxsxdw=in_days
            )  # fmt: skip
            yield "ex_gdbs_tbcxjg", self._row(xh=1, tbcxjg="符合要求", jgcsrq=end, tbcxjsrq=end)
        if self.approved is not None:
            yield "ex_gdbs_spcl", self._row(
                sphjdm="1", sphjmc="承办", spbmmc=unit_name(unit), spbmzzjdmd=unit, sprxm="承办人", sprzwdm="01",
                sprzwmc="科员", spyj="同意", spsj=self.approved, sphjztdm="1", spbzh=1,
            )  # fmt: skip
        if self.closed is not None:
            yield "ex_gdbs_bj", self.closing()
        if self.collected is not None:
            yield "ex_gdbs_lqdj", self._row(lqrxm="申请人", lqfs=self.way, lqsj=self.collected)

    def closing(self, version: int = 1, **changes: Any) -> dict[str, Any]:
        """The closing's row; a correction has a later version and what it changes."""
        issued = {"zjgzmc": "许可证", "zjbh": f"许{self.number[-4:]}", "fzgzdw": unit_name(self.item.unit)}
        reason = {"zfhthyy": "申请材料不符合要求"}
        row = self._row(
            bjbmmc=unit_name(self.item.unit), bjbmzzjddm=self.item.unit, bjjgdm=self.result, sfje=0, bjsj=self.closed,
            **(issued if self.result == "0" else {}), **(reason if self.result in ("1", "2", "3", "5") else {}),
        )  # fmt: skip
        return row | {"version": version} | changes

    def _row(self, **values: Any) -> dict[str, Any]:
        same = {"sblsh": self.number, "sxbm": self.item.code, "xzqhdm": REGION, "version": 1}
        return same | {name: value for name, value in values.items() if value is not None}


def ended(made: Item, channel: str, result: str, day: int = 20, **more: Any) -> Case:
    """A case applied for on 6 March, accepted the day after, approved and closed on `day`, as cases mostly go."""
    closed = more.pop("closed", march(day, 15))
    return Case(
        made,
        channel,
        march(6),
        accepted=march(7),
        approved=min(closed, march(day, 14)),
        closed=closed,
        result=result,
        **more,
    )
