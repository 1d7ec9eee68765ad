"""Every way in which a service hands out a table: by page, offset, cursor and link, by time, and not just now."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import ingestion
from ingestion import web
from wangting.errors import WangtingError

SOURCE = """
connect: rest
url: ${HALL_URL}
tables:
  visits:
    title: 到厅
    key: [nr]
    path: /api/visits
    page_size: %d
    %s
    columns: {nr: string, at: timestamp}
"""
Answering = Callable[[str, dict[str, str]], Any]


def rows(number: int) -> list[dict[str, Any]]:
    start = datetime(2017, 11, 1)
    return [
        {"nr": f"v{one:03}", "at": (start + timedelta(hours=one)).isoformat(), "note": {"备": one}}
        for one in range(number)
    ]


class Hall:
    """A service that pages as the test says."""

    def __init__(self, city: Any, service: Any) -> None:
        self.city, self.service = city, service
        city.set("HALL_URL", service.address)

    def pages(self, paging: str, answering: Answering, *, size: int = 3) -> None:
        self.city.declare("hall", SOURCE % (size, paging))
        self.service.instead = answering

    def landed(self) -> list[str]:
        return sorted(row["nr"] for row in self.city.landed("hall", "visits"))

    def asked(self) -> list[dict[str, str]]:
        return [asked for _, asked in self.service.asked]


@pytest.fixture
def hall(city: Any, service: Any) -> Hall:
    return Hall(city, service)


def pull(**how: Any) -> Any:
    return ingestion.pull_table("hall", "visits", **how)


def ways(service: Any, held: list[dict[str, Any]], most: int) -> dict[str, tuple[str, Answering]]:
    """Way of paging → declaration, and a service that holds these rows and gives out at most so many at once."""

    def size(asked: dict[str, str]) -> int:
        return min(int(asked.get("size", most)), most)

    def by_page(path: str, asked: dict[str, str]) -> Any:
        begin = (int(asked["page"]) - 1) * size(asked)
        return service.json({"result": {"list": held[begin : begin + size(asked)], "count": len(held)}})

    def by_offset(path: str, asked: dict[str, str]) -> Any:
        return service.json(held[int(asked["skip"]) :][: size(asked)])

    def by_cursor(path: str, asked: dict[str, str]) -> Any:
        begin = int(asked.get("after", 0))
        end = begin + size(asked)
        return service.json(
            {"data": held[begin:end], "meta": {"next": str(end) if end < len(held) else None}}
        )

    def by_link(path: str, asked: dict[str, str]) -> Any:
        begin = int(asked.get("from", 0))
        end = begin + size(asked)
        onward = f"/api/visits?from={end}&size={size(asked)}" if end < len(held) else ""
        return service.json({"data": held[begin:end], "next": onward})

    def by_header(path: str, asked: dict[str, str]) -> Any:
        begin = int(asked.get("from", 0))
        end = begin + size(asked)
        status, headers, content = service.json(held[begin:end])
        if end < len(held):
            headers["Link"] = (
                f'<{service.address}/api/visits?from={end}>; rel="next", </api/visits?from=0>; rel="first"'
            )
        return status, headers, content

    return {
        "page": ("paging: {rows: result.list, total: result.count}", by_page),
        "offset": ("paging: {by: offset, page: skip, rows: '', total: null}", by_offset),
        "cursor": ("paging: {by: cursor, page: after, next: meta.next}", by_cursor),
        "link": ("paging: {by: link, next: next}", by_link),
        "Link header": ("paging: {by: link, rows: ''}", by_header),
    }


@pytest.mark.parametrize("way", ["page", "offset", "cursor", "link", "Link header"])
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(number=st.integers(0, 13), most=st.integers(1, 5))
def test_every_row_lands_once_also_where_fewer_come_than_were_asked_for(
    hall: Hall, way: str, number: int, most: int
) -> None:
    held = rows(number)
    hall.pages(*ways(hall.service, held, most)[way], size=4)
    hall.city.at(f"2017-12-{1 + len(hall.city.loads()) % 28:02} 08:00")
    before = {row["nr"] for row in hall.city.landed("hall", "visits")}
    pull()
    now = hall.landed()
    assert set(now) == before | {row["nr"] for row in held} and len(now) == len(set(now))


def test_fixed_parameters_go_with_every_page(hall: Hall) -> None:
    paging, answering = ways(hall.service, rows(7), 3)["cursor"]
    hall.pages(f"parameters: {{status: done, kind: '2'}}\n    {paging}", answering)
    assert pull().rows == 7
    assert [asked.get("status") for asked in hall.asked()] == ["done"] * 3


def test_a_last_page_that_is_given_out_again_and_again_ends_the_turning(hall: Hall) -> None:
    held = rows(5)

    def answering(path: str, asked: dict[str, str]) -> Any:
        begin = min((int(asked["page"]) - 1) * 3, 3)
        return hall.service.json({"data": held[begin : begin + 3]})

    hall.pages("paging: {total: null}", answering)
    assert pull().rows == 5


@pytest.mark.parametrize(
    ("paging", "answer", "said"),
    [
        ("paging: {by: cursor, page: after, next: next}", {"data": [{"nr": "a"}], "next": "x"}, "翻页没有前进"),
        ("paging: {by: link, next: next}", {"data": [], "next": "http://elsewhere.invalid/x"}, "指向别的主机"),
        ("paging: {rows: result.list}", {"total": 0, "result": []}, "JSON 中没有 total 或 result.list"),
        ("paging: {by: cursor, page: after, next: next}", {"rows": []}, "JSON 中没有 data"),
    ],
)  # fmt: skip
def test_a_service_that_pages_wrongly_is_named(hall: Hall, paging: str, answer: Any, said: str) -> None:
    hall.pages(paging, lambda path, asked: hall.service.json(answer))
    with pytest.raises(WangtingError, match=said):
        pull()
    assert hall.city.visible() == []


def test_a_window_is_asked_for_in_spans_and_a_row_on_a_border_lands_once(hall: Hall) -> None:
    held = rows(24 * 20)

    def answering(path: str, asked: dict[str, str]) -> Any:
        since, until = asked["since"], asked["until"]
        assert datetime.fromisoformat(until) - datetime.fromisoformat(since) <= timedelta(days=400)
        found = [row for row in held if since <= row["at"] <= until]
        begin = (int(asked["page"]) - 1) * 100
        return hall.service.json({"total": len(found), "data": found[begin : begin + 100]})

    windowed = "cursor: at\n    since: since\n    until: until\n    span: 400 days"
    hall.pages(windowed, answering, size=100)
    hall.city.at("2017-11-10 08:00")
    assert pull().rows == 24 * 9 + 8 + 1
    hall.pages(windowed.replace("400 days", "1 day"), answering, size=100)
    hall.city.at("2017-11-13 08:00")
    asked = len(hall.asked())
    assert pull().rows == 24 * 3
    assert len(hall.asked()) - asked == 3
    assert [one["until"] for one in hall.asked()[asked:]] == [
        f"2017-11-{day}T08:00:00" for day in (11, 12, 13)
    ]
    assert len(hall.landed()) == len(set(hall.landed()))


def test_a_service_that_asks_for_patience_is_given_it(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr(web.time, "sleep", waited.append)
    later = {"Retry-After": format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)}
    answers = [(429, {"Retry-After": "3"}, b"")] * 6 + [(503, later, b"")]
    paging, answering = ways(hall.service, rows(4), 3)["page"]
    hall.pages(paging, lambda path, asked: answers.pop() if answers else answering(path, asked))
    assert pull().rows == 4
    assert 3 < waited[0] <= 31 and waited[1:] == [3.0] * 6


def test_who_asks_for_too_much_patience_is_left_for_a_later_run(hall: Hall) -> None:
    hall.pages("paging: {}", lambda path, asked: (429, {"Retry-After": "3600"}, b""))
    with pytest.raises(WangtingError, match="来源限流，要求等待 3600 秒；下次抽取时会接着取"):
        pull()
    assert len(hall.asked()) == 1
    hall.pages("paging: {}", lambda path, asked: (429, {"Retry-After": "0"}, b""))
    with pytest.raises(WangtingError, match="接口连续返回 HTTP 429"):
        pull()


def test_pages_in_the_countrys_older_encoding_are_read(hall: Hall) -> None:
    content = '{"total": 1, "data": [{"nr": "囧", "at": "2017-11-30 08:00"}]}'.encode("gb18030")
    hall.pages("paging: {}", lambda path, asked: (200, {"Content-Type": "application/json"}, content))
    assert pull().rows == 1
    assert hall.landed() == ["囧"]


def test_a_column_that_holds_texts_and_lists_is_refused_one_that_holds_lists_is_landed(hall: Hall) -> None:
    held = [{"nr": "a", "at": ["x"]}, {"nr": "b", "at": ["y", "z"]}]
    hall.city.declare("hall", (SOURCE % (3, "paging: {total: null}")).replace("timestamp", "string"))
    hall.service.instead = lambda path, asked: hall.service.json({"data": held})
    assert pull().rows == 2
    assert hall.city.landed("hall", "visits")[1]["at"] == '["y","z"]'
    held[0]["at"] = "x"
    with pytest.raises(WangtingError, match=r"列 at 应为 string，有 1 个值是对象或列表（nr 为 b）"):
        pull()
