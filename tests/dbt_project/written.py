"""Rows as the city's systems word them, few columns: for tests of what becomes of them."""

from datetime import date, datetime
from itertools import count
from typing import Any

CITY_UNIT, COUNTY_UNIT = "069079191", "081911151"
_numbers = count(1)


def moment(day: int, hour: int = 9, month: int = 11) -> datetime:
    """A time in 2017."""
    return datetime(2017, month, day, hour)


def item_code(unit: str, number: int = 1) -> str:
    """An item's code of the right shape."""
    return f"1013{number:05d}{unit}13445100"


def item(unit: str, number: int = 1, **more: Any) -> dict[str, Any]:
    """A catalogue row; by default 全流程, promised 5 working days."""
    return {
        "item_code": item_code(unit, number),
        "item_version": 1,
        "item_name": f"事项{number}",
        "item_type": "行政许可",
        "unit_code": unit,
        "region_code": "445100000000",
        "is_settled": True,
        "is_online": True,
        "online_depth": 3,
        "visit_limit": 1,
        "promised_limit": 5,
        "promised_limit_unit": "G",
        "statutory_limit": 10,
        "statutory_limit_unit": "G",
        "is_immediate": False,
        "person_theme_code": "P01",
        "valid_from": date(2016, 1, 1),
        "updated_at": datetime(2016, 1, 1),
    } | more


def case_no(unit: str, day: int, number: int = 1) -> str:
    """A new case number of November 2017."""
    return f"{item_code(unit, number)[:19]}1711{day:02d}{next(_numbers):04d}"


class Case:
    """A case of the unified platform: its rows, table by table."""

    def __init__(self, unit: str = CITY_UNIT, day: int = 1, number: int = 1, **more: Any) -> None:
        self.no, self.day = case_no(unit, day, number), day
        self._ids = {"sblsh": self.no, "sxbm": item_code(unit, number), "version": 1}
        self._unit, self._more = unit, more

    def sb(self, **more: Any) -> dict[str, Any]:
        """申办."""
        at = moment(self.day)
        mine = {"tjfs": "1", "sbsj": at, "sbbmzzjgdm": self._unit, "xzqhdm": "445100", "inserttime": at}
        return self._ids | mine | self._more | more

    def sl(self, day: int, **more: Any) -> dict[str, Any]:
        """受理."""
        mine = {"slztdm": "1", "slsj": moment(day), "gdblsx": 5, "gdblsxdw": "G", "inserttime": moment(day)}
        return self._ids | mine | more

    def spcl(self, step: int, day: int, hour: int = 10, **more: Any) -> dict[str, Any]:
        """审批处理."""
        at = moment(day, hour)
        return self._ids | {"sphjdm": str(step), "spsj": at, "spyj": "同意", "inserttime": at} | more

    def bj(self, day: int, result: str = "6", **more: Any) -> dict[str, Any]:
        """办结."""
        at = moment(day, 15)
        return self._ids | {"bjjgdm": result, "bjsj": at, "sfje": 0, "inserttime": at} | more

    def lqdj(self, day: int, way: str = "0", **more: Any) -> dict[str, Any]:
        """领取登记."""
        at = moment(day, 16)
        return self._ids | {"lqfs": way, "lqsj": at, "xzqhdm": "445100", "inserttime": at} | more
