"""The worked examples with the figures that an office would accept, fed through the front door.

Items are listed by a catalogue over HTTP, cases are rows in the platform's own PostgreSQL; they are pulled, built,
judged, pushed and published by the commands, and the figures are read by `wangting metric`. Each example has a unit of
its own. March 2017; the house reads its clock on 5 April.
"""

import json
from datetime import date, datetime
from types import SimpleNamespace

import duckdb
import pytest

from tests.e2e import source_systems
from tests.e2e.city import City
from tests.e2e.written_cases import HALL, ONLINE, POST, WINDOW, Case, ended, item, march, then

pytestmark = pytest.mark.e2e
RATES, ITEMS, DECLARED, MEASURED, PROCESS, CALENDAR = (
    "069237575",  # 教育局
    "069554335",  # 民政局
    "069950282",  # 环境保护局
    "070029474",  # 住房和城乡建设局
    "070346234",  # 林业局
    "070821373",  # 外事侨务局
)


def rates():
    """X is 全流程, Y is not."""
    x, y = item("甲类许可", RATES), item("乙类许可", RATES, depth=2)
    service = item("公共服务", RATES, licence=False)
    counted = [
        ended(x, ONLINE, "0"), ended(x, ONLINE, "6"), ended(x, WINDOW, "0"),
        ended(y, ONLINE, "1"), ended(y, WINDOW, "7"), ended(y, POST, "0"),
    ]  # fmt: skip
    left_out = [
        ended(x, ONLINE, "3"),
        Case(x, ONLINE, march(6), accepted=march(7), refused=True, closed=march(8), result="1"),
        ended(x, ONLINE, "0", closed=datetime(2017, 4, 1)),
        ended(service, ONLINE, "6"),
    ]
    return [x, y, service], counted + left_out


def items():
    """As of 31 March."""
    parent = item("父事项", ITEMS)
    s = then(item("至十五日为全流程的事项", ITEMS), date(2017, 3, 16), visit_limit=2)
    listed = [
        parent,
        item("子事项一", ITEMS, visits=1, parent_item_code=parent.code),
        item("子事项二", ITEMS, depth=2, parent_item_code=parent.code),
        item("零次事项", ITEMS, visits=0),
        item("不能网上办的事项", ITEMS, is_online=False),
        s,
        item("未进驻事项", ITEMS, is_settled=False),
        item("二十日取消的事项", ITEMS, until=date(2017, 3, 20)),
    ]
    case = Case(s, ONLINE, march(10), accepted=march(11), approved=march(24), closed=march(25), result="6")
    return listed, [case]


def declared_visits():
    """Five items, by their declared visits."""
    return [item(f"申报到现场{n}次的事项", DECLARED, visits=n) for n in (0, 1, 1, 2, 3)], []


def measured_visits():
    """Six cases, by what really happened."""
    made = item("实测事项", MEASURED)
    cases = {
        "a": ended(made, ONLINE, "0", supplements=[(march(6, 11), march(6, 15), "网上")], collected=march(21), way=POST),
        "b": ended(
            made, ONLINE, "0", closed=march(8, 15), supplements=[(march(6, 11), march(8, 9), HALL)],
            collected=march(8, 16), way=WINDOW,
        ),
        "c": ended(
            made, ONLINE, "0", supplements=[(march(6, 11), march(7, 9), HALL)], collected=march(21), way=WINDOW
        ),
        "d": ended(made, WINDOW, "0", collected=march(21), way=POST),
        "e": ended(made, ONLINE, "0"),
        "f": ended(made, ONLINE, "0", inspection=(march(8), march(9)), collected=march(21), way=ONLINE),
    }  # fmt: skip
    cases["b"].approved = march(8, 14)
    return [made], cases


def process():
    """p was supplemented and corrected; q's supplement never came."""
    made = item("流程事项", PROCESS)
    supplemented = [(march(7), march(9), HALL)]
    return [made], {
        "p": Case(
            made, WINDOW, march(6), march(10), supplements=supplemented, approved=march(14), closed=march(15), result="0"
        ),
        "q": Case(made, WINDOW, march(6), supplements=[(march(7), None, "")], closed=march(24), result="5"),
    }


def calendar():
    """Promised 5, statutory 10 working days, accepted on 27 September 2017."""
    made = item("承诺五个工作日的事项", CALENDAR, promised_limit=5, statutory_limit=10)
    accepted = datetime(2017, 9, 27, 10)
    return [made], [Case(made, WINDOW, accepted, accepted, promised=5)]


@pytest.fixture(scope="module")
def office(tmp_path_factory):
    """All examples, pulled, built, pushed and published."""
    folder = tmp_path_factory.mktemp("worked")
    home = folder / "var"
    home.mkdir()
    _set_clock(home, "2017-04-05T09:00:00")
    site = source_systems.site(folder / "site", "2017-03-01 00:00:00")
    house = City(home, WANGTING_SITE=str(site))
    systems = source_systems.SourceSystems(home)
    try:
        measured_items, measured = measured_visits()
        process_items, processed = process()
        listed, cases = [*measured_items, *process_items], [*measured.values(), *processed.values()]
        for example in (rates, items, declared_visits):
            more_items, more_cases = example()
            listed += more_items
            cases += more_cases
        systems.list_items([version for one in listed for version in one.versions])
        systems.write(row for case in cases for row in case.rows())
        p = processed["p"]
        systems.write([("ex_gdbs_bj", p.closing(2, march(20), zjbh="许更正"))])
        house.do_everything()
        with duckdb.connect(str(home / "releases" / "current" / "marts.duckdb"), read_only=True) as marts:
            yield SimpleNamespace(house=house, marts=marts, home=home, measured=measured, processed=processed)
    finally:
        systems.stop()


def _set_clock(home, now):
    (home / "clock.json").write_text(json.dumps({"now": now}), "utf-8")
