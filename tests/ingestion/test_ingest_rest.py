"""Pages of a real HTTP service: tokens, repeats, retries, and answers that are none."""

from datetime import date, datetime
from itertools import count
from typing import Any

import pytest

import ingestion
from wangting.errors import WangtingError

SOURCE = """
connect: rest
url: ${CATALOGUE_URL}
token: {path: /token, client_id: "${CATALOGUE_ID}", client_secret: "${CATALOGUE_SECRET}"}
tables:
  items:
    title: 事项
    key: [code, edition]
    cursor: updated_at
    path: /items
    page_size: 3
    since: updated_after
    columns: {code: string, edition: int, is_online: boolean, valid_from: date, updated_at: timestamp}
"""


def item(number: int, updated_at: str = "2017-11-30T08:00:00", **other: Any) -> dict[str, Any]:
    row = {"code": f"i{number:02}", "edition": 1, "is_online": number % 2 == 0, "valid_from": "2017-01-01"}
    return {**row, "updated_at": updated_at, **other}


@pytest.fixture
def catalogue(city: Any, service: Any) -> Any:
    city.declare("catalogue", SOURCE)
    for name, value in (("URL", service.address), ("ID", "wangting"), ("SECRET", service.secret)):
        city.set(f"CATALOGUE_{name}", value)
    service.rows = [item(number) for number in range(8)]
    return service


def pull() -> Any:
    return ingestion.pull_table("catalogue", "items")


def test_all_pages_land_in_their_types_and_are_kept_for_replay(city: Any, catalogue: Any) -> None:
    result = pull()
    assert (result.state, result.rows) == ("committed", 8)
    row = city.landed("catalogue", "items")[1]
    assert (row["code"], row["edition"], row["is_online"]) == ("i01", 1, False)
    assert (row["valid_from"], row["updated_at"]) == (date(2017, 1, 1), datetime(2017, 11, 30, 8))
    pages = sorted((city.home / "raw/catalogue/items" / result.load_id).iterdir())
    assert [page.name for page in pages] == [f"page-0000{number}.json.gz" for number in (1, 2, 3)]


def test_the_inclusive_filter_brings_nothing_twice(city: Any, catalogue: Any) -> None:
    catalogue.rows.append(item(9, "2017-12-01T08:00:00"))
    assert pull().rows == 9
    assert pull().state == "empty"
    assert catalogue.asked[-1][1]["updated_after"] == "2017-12-01T08:00:00"
    catalogue.rows += [item(10, "2017-12-01T08:00:00"), item(11, "2017-12-01T08:20:00")]
    assert pull().rows == 1
    city.at("2017-12-01 09:00")
    assert pull().rows == 1
    assert len(city.landed("catalogue", "items")) == 11
    assert len(list((city.home / "raw/catalogue/items").iterdir())) == 3  # the empty pull kept no pages


def test_an_expired_token_is_renewed_once(city: Any, catalogue: Any) -> None:
    def expire(path: str, asked: dict[str, str]) -> None:
        if asked.get("page") == "2" and catalogue.tokens == 1:
            catalogue.tokens = 5  # what was given out counts no longer

    catalogue.instead = expire
    assert pull().rows == 8
    assert sum(path == "/token" for path, _ in catalogue.asked) == 2


def test_a_refused_secret_is_one_sentence_without_the_secret(city: Any, catalogue: Any) -> None:
    city.set("CATALOGUE_SECRET", "wr0ng-word")
    with pytest.raises(WangtingError, match="客户端标识或密钥被拒绝") as caught:
        pull()
    assert "wr0ng-word" not in str(caught.value) + str(city.loads())


def test_hiccups_are_tried_again(city: Any, catalogue: Any) -> None:
    number = count()
    answers = {1: (503, {}, b""), 2: (429, {"Retry-After": "0"}, b"")}
    catalogue.instead = lambda path, asked: answers.get(next(number))
    assert pull().rows == 8


def test_a_service_that_stays_down_is_named_and_the_next_pull_goes_on(city: Any, catalogue: Any) -> None:
    catalogue.instead = lambda path, asked: (503, {}, b"")
    with pytest.raises(WangtingError, match=r"系统catalogue.*接口连续返回 HTTP 503；检查来源是否在运行"):
        pull()
    assert city.visible() == [] and list((city.home / "raw/catalogue").rglob("*.gz")) == []
    city.set("CATALOGUE_URL", "http://127.0.0.1:1")
    with pytest.raises(WangtingError, match="连不上来源"):
        pull()
    city.set("CATALOGUE_URL", catalogue.address)
    catalogue.instead = lambda path, asked: None
    assert pull().rows == 8


def test_a_page_that_is_not_json_is_named_and_nothing_becomes_visible(city: Any, catalogue: Any) -> None:
    page = (200, {}, "<html>系统维护中</html>".encode())
    catalogue.instead = lambda path, asked: page if asked.get("page") == "2" else None
    with pytest.raises(WangtingError, match=r"catalogue\.items 第 2 页】返回的不是 JSON"):
        pull()
    assert city.visible() == []
    catalogue.instead = lambda path, asked: catalogue.json([1, 2]) if asked.get("page") == "2" else None
    with pytest.raises(WangtingError, match="第 2 页】JSON 中没有 total 或 data"):
        pull()


@pytest.mark.parametrize("value", ["soon", 1.5, {"值": 1}, [1]])
def test_a_wrong_type_names_the_column_and_the_keys(city: Any, catalogue: Any, value: Any) -> None:
    catalogue.rows[2]["edition"] = value
    catalogue.rows[4]["valid_from"] = "2017-13-01"
    with pytest.raises(WangtingError, match=r"列 edition 应为 int，有 1 个值.*code\|edition 为 i02\|"):
        pull()
    assert city.visible() == []


def test_a_lost_column_stops_and_a_new_one_is_landed(city: Any, catalogue: Any) -> None:
    catalogue.rows[5]["note"] = {"新": 1}
    result = pull()
    assert "未声明的列 note" in result.warnings[0]
    assert city.landed("catalogue", "items")[5]["note"] == '{"新":1}'
    for row in catalogue.rows:
        row.pop("valid_from")
    with pytest.raises(WangtingError, match="来源缺少列 valid_from"):
        ingestion.pull_table("catalogue", "items", full=True)


def test_times_with_an_offset_become_local(city: Any, catalogue: Any) -> None:
    catalogue.rows = [
        item(1, "2017-11-30T08:00:00Z"),
        item(2, "2017-11-30T08:00:00+08:00"),
        item(3, "2017-11-30"),
    ]
    pull()
    assert [row["updated_at"].hour for row in city.landed("catalogue", "items")] == [16, 8, 0]


def test_a_row_pushed_over_a_page_border_while_turning_pages_is_not_lost(city: Any, catalogue: Any) -> None:
    def change(path: str, asked: dict[str, str]) -> None:
        if asked.get("page") == "2" and catalogue.rows[0]["code"] == "i00":
            first = catalogue.rows.pop(0)
            catalogue.rows.append({**first, "updated_at": "2017-12-01T07:59:00"})

    catalogue.instead = change
    pull()
    assert {row["code"] for row in city.landed("catalogue", "items")} == {
        f"i{number:02}" for number in range(8)
    }
