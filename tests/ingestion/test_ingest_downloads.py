"""A file at an address: fetched when it has changed, taken once by its content."""

import hashlib
from typing import Any

import pytest

import ingestion
from wangting.errors import WangtingError

SOURCE = """
connect: http
url: ${OFFICE_URL}
token: {path: /token, client_id: wangting, client_secret: "${OFFICE_SECRET}"}
tables:
  figures:
    title: 数字
    key: [地区]
    path: /open/files/figures.csv
    parameters: {year: "2010"}
    encoding: auto
    columns: {地区: string, 数量: int}
"""


class Office:
    """A server with one file, which knows whether it has changed."""

    def __init__(self, city: Any, service: Any) -> None:
        self.city, self.service = city, service
        self.content = "地区,数量\n甲县,3\n".encode("gbk")
        self.headers: dict[str, str] = {}
        self.knows_tags = True
        self.sent = 0
        city.declare("office", SOURCE)
        city.set("OFFICE_URL", service.address)
        city.set("OFFICE_SECRET", service.secret)
        service.instead = self._answer

    def _answer(self, path: str, asked: dict[str, str]) -> Any:
        if path == "/token":
            return None
        assert self.service.headers["Authorization"] == f"Bearer t{self.service.tokens}"
        assert path == "/open/files/figures.csv" and asked == {"year": "2010"}
        tag = f'"{hashlib.md5(self.content).hexdigest()}"'
        if self.knows_tags and self.service.headers.get("If-None-Match") == tag:
            return 304, {"ETag": tag}, b""
        self.sent += 1
        return 200, {"ETag": tag, "Content-Type": "text/csv", **self.headers}, self.content

    def rows(self) -> list[tuple[Any, ...]]:
        found = self.city.landed("office", "figures")
        return [(row["地区"], row["数量"], row["_file"]) for row in found]


@pytest.fixture
def office(city: Any, service: Any) -> Office:
    return Office(city, service)


def pull(**how: Any) -> Any:
    return ingestion.pull_table("office", "figures", **how)


@pytest.mark.parametrize("knows_tags", [True, False])
def test_a_file_that_has_not_changed_is_not_taken_again(office: Office, knows_tags: bool) -> None:
    office.knows_tags = knows_tags
    assert pull().rows == 1
    assert office.rows() == [("甲县", 3, "figures.csv")]
    assert pull().state == "empty"
    assert office.sent == (1 if knows_tags else 2)
    office.city.at("2017-12-01 09:00")
    office.content = "地区,数量\n甲县,3\n乙县,4\n".encode("gbk")
    assert pull().rows == 1
    assert pull(full=True).state == "empty"
    [kept] = (office.city.home / "raw/office/figures").glob("*20171201T08*/*")
    assert kept.name == "figures.csv"


def test_a_file_that_cannot_be_read_is_fetched_again_until_it_is_mended(office: Office) -> None:
    office.content = b"\xff\xff\xff"
    for _ in range(2):
        with pytest.raises(WangtingError, match=r"figures\.csv】"):
            pull()
    assert office.sent == 2
    office.content = "地区,数量\n甲县,x\n".encode()
    with pytest.raises(WangtingError, match="列 数量 应为 int，有 1 个值不是（第 2 行）"):
        pull()
    office.content = "地区,数量\n甲县,5\n".encode()
    assert pull().rows == 1


def test_the_server_may_name_the_file_but_not_its_folder(office: Office) -> None:
    office.headers = {"Content-Disposition": "attachment; filename*=UTF-8''..%2F..%2F%E6%95%B0%E5%AD%97.csv"}
    assert pull().rows == 1
    assert office.rows() == [("甲县", 3, "数字.csv")]


def test_a_page_in_place_of_the_file_and_a_missing_file_are_named(office: Office) -> None:
    office.headers = {"Content-Type": "text/html; charset=utf-8"}
    with pytest.raises(WangtingError, match="下载到的是网页，不是文件"):
        pull()
    office.service.instead = lambda path, asked: (404, {}, b"") if path.endswith("csv") else None
    with pytest.raises(WangtingError, match="接口返回 HTTP 404"):
        pull()
    assert office.city.visible() == []
