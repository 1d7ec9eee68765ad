"""The province as a process: what it keeps, how it starts and ends, and by which text it judges."""

import asyncio
import json
import os
import signal
from pathlib import Path

import aiohttp
import pytest
from province_sender import SB, SL, Sender, a_home, acceptance, application, case_no, message

from simulator import processes, province
from wangting.errors import WangtingError


def test_pages_and_counts_hold_every_version_once(tmp_path: Path) -> None:
    sender = Sender(province.start(a_home(tmp_path)))
    try:
        for number in range(7):
            sender.send(SB, application(number))
        sender.send(SB, application(3, BZ="更正"), version=2)
        sender.send(SL, acceptance(3))
        pages = [sender.get("/records", tableName=SB, page=page, size=3) for page in (1, 2, 3, 4)]
        assert {page["total"] for page in pages} == {8}
        seen = [(row["identify"], row["version"]) for page in pages for row in page["data"]]
        assert seen == [(case_no(number), 1) for number in range(7)] + [(case_no(3), 2)]
        assert pages[0]["data"][0]["fields"]["SBXMMC"] == "规划许可 <一期> & 二期"
        counts = sender.get("/counts")["data"]
        assert {"day": "2017-12-01", "deptCode": "006988574", "tableName": SB, "count": 8} in counts
        by_business = sender.get("/counts", by="business")["data"]
        assert {(row["day"], row["tableName"], row["count"]) for row in by_business} == {
            ("2017-11-30", SB, 8),
            ("2017-11-30", SL, 1),
        }
        assert sender.http.get("/records", params={"page": "x"}).status_code == 400
        assert sender.http.get("/records", params={"tableName": "no"}).status_code == 400
    finally:
        province.stop(tmp_path)


def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    connections = province.start(a_home(tmp_path))
    acknowledged: dict[str, str] = {}

    async def push() -> None:
        base, token = connections["PROVINCE_URL"], connections["PROVINCE_TOKEN"]
        numbers = iter(range(10_000))
        async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as http:

            async def one_connection() -> None:
                for number in numbers:
                    asked = {"deptCode": "1", "tableName": SB, "identify": case_no(number), "version": "1"}
                    body = message(SB, application(number))
                    try:
                        async with http.post(f"{base}/submit", params=asked, data=body) as answer:
                            receipt = await answer.json()
                    except aiohttp.ClientError:
                        return
                    assert receipt["code"] == 0
                    acknowledged[case_no(number)] = receipt["receiptNo"]
                    if len(acknowledged) == 600:
                        pid = province.process_id(tmp_path)
                        assert pid is not None
                        os.kill(pid, signal.SIGKILL)

            await asyncio.gather(*(one_connection() for _ in range(16)))

    asyncio.run(push())
    assert len(acknowledged) >= 600
    assert not province.is_running(tmp_path)
    again = province.start(tmp_path)
    try:
        assert again == connections
        rows = Sender(again).get("/records", tableName=SB, page=1, size=5000)
        stored = {row["identify"]: row["receiptNo"] for row in rows["data"]}
        assert acknowledged.items() <= stored.items()
        assert (
            rows["total"]
            == len(rows["data"])
            == sum(r["count"] for r in Sender(again).get("/counts")["data"])
        )
    finally:
        province.stop(tmp_path)


def test_a_site_may_agree_on_deviations(tmp_path: Path) -> None:
    override = tmp_path / "specification.yml"
    override.write_text(
        """
fields:
  EX_GDBS_SB:
    SBLSH: {format: null, why: 日志没有 29 位流水号}
    SXBM: {required: false, format: null, why: 日志没有事项编码}
    SQRMC: {required: false, why: 日志没有申请人}
codes:
  channel: {"2": {title: 电子邮件, why: 日志里有}}
earliest_date: {value: 2010-01-01, why: 日志始于 2010 年}
disable_rules: {N2.sblsh_date: 没有流水号, N2.sblsh_unit: 没有流水号}
length_encoding: {value: utf-8, why: 对方按 UTF-8 计}
""",
        "utf-8",
    )
    sender = Sender(province.start(a_home(tmp_path), override=override))
    try:
        old = application(1, SBLSH="case-1", SXBM="", SQRMC="", TJFS="2", SBSJ="2010-05-01 08:00:00")
        assert sender.send(SB, old)["reasonList"] == []
        older = application(1, SBLSH="case-2", SBSJ="2009-05-01 08:00:00", SXMC="证" * 67)
        assert len(sender.send(SB, older)["reasonList"]) == 2
        # Started again without the deviations, it is another server: the published text holds again.
        sender = Sender(province.start(tmp_path))
        assert sender.send(SB, old | {"SBLSH": "case-3"})["code"] == 1
    finally:
        province.stop(tmp_path)


def test_a_specification_with_a_typo_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "specification.yml"
    broken.write_text("fields: {EX_GDBS_SB: [", "utf-8")
    with pytest.raises(WangtingError, match=r"specification\.yml") as raised:
        province.start(a_home(tmp_path), override=broken)
    assert "YAML" in str(raised.value)
    assert not province.is_running(tmp_path)


def test_start_finds_the_running_one_and_stop_spares_strangers(tmp_path: Path) -> None:
    first = province.start(a_home(tmp_path))
    folder = tmp_path / "simulator" / "province"
    pid = province.process_id(tmp_path)
    try:
        assert province.start(tmp_path) == first
        assert province.process_id(tmp_path) == pid
        assert (folder / "token").stat().st_mode & 0o777 == 0o600
        state = json.loads((folder / "server.json").read_text("utf-8"))
        # A stale file whose process id is somebody else's by now (here: ours) must end nobody.
        (folder / "server.json").write_text(json.dumps(state | {"pid": os.getpid()}), "utf-8")
        assert not province.stop(tmp_path)
        (folder / "server.json").write_text(json.dumps(state), "utf-8")
        # A second server would share the store: it is turned away in one sentence.
        (folder / "server.json").rename(folder / "kept.json")
        with pytest.raises(WangtingError, match="正被另一个模拟服务进程使用"):
            province.start(tmp_path)
        (folder / "kept.json").rename(folder / "server.json")
    finally:
        assert province.stop(tmp_path)
    assert not province.is_running(tmp_path)
    assert not province.stop(tmp_path)


def test_a_taken_port_is_replaced(tmp_path: Path) -> None:
    first = province.start(a_home(tmp_path))
    province.stop(tmp_path)
    taken = processes._listen(tmp_path / "simulator" / "province" / "port")
    try:
        assert first["PROVINCE_URL"].endswith(f":{taken.getsockname()[1]}")
        assert province.start(tmp_path)["PROVINCE_URL"] != first["PROVINCE_URL"]
    finally:
        province.stop(tmp_path)
        taken.close()
