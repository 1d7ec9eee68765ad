"""The province, as a sender meets it: a real process, real HTTP, real crashes."""

import asyncio
import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import aiohttp
import httpx
import pytest

from simulator import processes, province
from simulator.province.checks import is_organisation_code, is_resident_id
from wangting.errors import WangtingError

ITEM = "10131300500698857413445100"
CASE = "1013130050069885741"
SB, SL, SPCL, BJ = "EX_GDBS_SB", "EX_GDBS_SL", "EX_GDBS_SPCL", "EX_GDBS_BJ"
Fields = dict[str, str]


def case_no(number: int) -> str:
    return f"{CASE}171130{number:04d}"


def application(number: int, **changes: str) -> Fields:
    case = case_no(number)
    fields = {
        "SBLSH": case,
        "SXBM": ITEM,
        "SXMC": "建设工程规划许可证核发",
        "SQRLX": "1",
        "SQRMC": "申请人甲",
        "SQRZJLX": "111",
        "SQRZJHM": "11010519491231002X",
        "LXRXM": "联系人乙",
        "LXRSJ": "13800138000",
        "SBXMMC": "规划许可 <一期> & 二期",
        "SBCLQD": "申请表;身份证",
        "TJFS": "1",
        "SBHZH": case,
        "SBSJ": "2017-11-30 09:30:00",
        "XZQHDM": "445100000000",
        "SBBMZZJGDM": "006988574",
    }
    return {name: value for name, value in (fields | changes).items() if value}


def acceptance(number: int, **changes: str) -> Fields:
    fields = {
        "SBLSH": case_no(number),
        "SXBM": ITEM,
        "SLBMMC": "规划局",
        "SLBMZZJDDM": "006988574",
        "XZQHDM": "445100000000",
        "BLRXM": "受理人丙",
        "SLZTDM": "1",
        "SLHZH": case_no(number),
        "SLSJ": "2017-11-30 15:00:00",
        "GDBLSX": "20",
        "GDBLSXDW": "G",
        "SLZLQD": "申请表",
    }
    return {name: value for name, value in (fields | changes).items() if value}


def closing(number: int, **changes: str) -> Fields:
    fields = {
        "SBLSH": case_no(number),
        "SXBM": ITEM,
        "BJBMZZJDDM": "006988574",
        "XZQHDM": "445100000000",
        "BJJGDM": "6",
        "SFJE": "0",
        "BJSJ": "2017-12-01 10:00:00",
    }
    return {name: value for name, value in (fields | changes).items() if value}


def message(table: str, fields: Fields) -> bytes:
    lines = "".join(f'<Field FieldName="{name}">{escape(value)}</Field>' for name, value in fields.items())
    return f'<ExInfo><standardInfo process="{table}">{lines}</standardInfo></ExInfo>'.encode()


class Sender:
    """A sender that speaks the interface and nothing else."""

    def __init__(self, connections: dict[str, str]) -> None:
        self.http = httpx.Client(
            base_url=connections["PROVINCE_URL"],
            headers={"Authorization": f"Bearer {connections['PROVINCE_TOKEN']}"},
            timeout=5,
            trust_env=False,
        )

    def post(self, table: str, key: str, version: int | str, body: bytes, **changes: str) -> httpx.Response:
        asked = {
            "deptCode": "006988574",
            "tableName": table,
            "identify": key,
            "version": str(version),
        } | changes
        return self.http.post("/submit", params={k: v for k, v in asked.items() if v}, content=body)

    def send(self, table: str, fields: Fields, version: int = 1, key: str | None = None) -> dict[str, Any]:
        answer = self.post(
            table, key or fields["SBLSH"], version, message(table, fields | {"VERSION": str(version)})
        )
        assert answer.status_code == 200
        receipt: dict[str, Any] = answer.json()
        assert receipt.keys() == {"code", "desc", "reasonList", "receiptNo"}
        return receipt

    def get(self, path: str, **asked: Any) -> Any:
        return self.http.get(path, params=asked).json()

    def misbehave(self, **manners: float) -> None:
        self.http.post("/misbehave", json=manners).raise_for_status()


def a_home(folder: Path) -> Path:
    (folder / "clock.json").write_text(json.dumps({"now": "2017-12-01T09:00:00"}), "utf-8")
    return folder


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    home = a_home(tmp_path_factory.mktemp("province"))
    yield province.start(home)
    province.stop(home)


@pytest.fixture
def sender(running: dict[str, str]) -> Iterator[Sender]:
    one = Sender(running)
    yield one
    one.misbehave()
    one.http.close()


def test_a_good_case_is_acknowledged_and_read_back(sender: Sender) -> None:
    receipt = sender.send(SB, application(1))
    assert (receipt["code"], receipt["desc"], receipt["reasonList"]) == (0, "成功", [])
    assert sender.send(SL, acceptance(1))["code"] == 0
    step = {
        "SBLSH": case_no(1),
        "SXBM": ITEM,
        "SPHJDM": "1",
        "XZQHDM": "445100000000",
        "SPRXM": "审批人",
        "SPRZWDM": "1",
        "SPRZWMC": "科员",
        "SPYJ": "同意",
        "SPSJ": "2017-11-30 16:00:00",
    }
    assert sender.send(SPCL, step, key=f"{case_no(1)}|1|2017-11-30 16:00:00")["code"] == 0
    assert sender.send(BJ, closing(1))["code"] == 0
    read = sender.get("/records", tableName=SB, identify=case_no(1), version=1)
    assert read["fields"] == application(1) | {"VERSION": "1"}
    assert (read["receiptNo"], read["version"]) == (receipt["receiptNo"], 1)
    assert (read["receivedAt"], read["deptCode"]) == ("2017-12-01 09:00:00", "006988574")
    assert sender.http.get("/records", params={"tableName": SB, "identify": "x"}).status_code == 404


def test_the_same_version_again_is_the_same_receipt_and_other_content_is_refused(sender: Sender) -> None:
    first = sender.send(SB, application(2))
    assert sender.send(SB, application(2)) == first
    reordered = dict(reversed(application(2).items()))
    assert sender.send(SB, reordered) == first
    other = sender.send(SB, application(2, LXRXM="另一人"))
    assert other["code"] == 1
    assert "不同的内容" in other["reasonList"][0]
    assert sender.send(SB, application(2, LXRXM="另一人"), version=3)["code"] == 0
    assert sender.send(SB, application(2, LXRXM="第三人"), version=2)["code"] == 1
    # An older version that was stored is still answered as before: its receipt may have been lost on the way.
    assert sender.send(SB, application(2)) == first
    assert sender.get("/records", tableName=SB, identify=case_no(2))["version"] == 3


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"SQRMC": ""}, "必填"),
        ({"SQRMC": "无"}, "无意义"),
        ({"SQRMC": "测试"}, "测试数据"),
        ({"NEWFIELD": "1"}, "不在规范之内"),
        ({"SXMC": "证" * 101}, "超长"),
        ({"TJFS": "7"}, "代码"),
        ({"SBSJ": "2017-11-30"}, "格式错误"),
        ({"SBSJ": "2017-11-30T09:30:00"}, "格式错误"),
        ({"SBSJ": "2012-11-30 09:30:00", "SBLSH": f"{CASE}1211300100", "SBHZH": "1"}, "早于 2013-01-01"),
        ({"SBSJ": "2017-11-29 09:30:00"}, "日期"),
        ({"SXBM": "10131300500698857513445100"}, "校验位"),
        ({"SXBM": ITEM[:-1]}, "26 位"),
        ({"SBLSH": f"2{case_no(100)[1:]}"}, "前 19 位"),
        ({"SBLSH": case_no(100)[:-1]}, "29 位"),
        ({"SBBMZZJGDM": "123456788"}, "组织机构代码"),
        ({"SQRZJHM": "110105194912310021"}, "公民身份号码"),
        ({"LXRZJLX": "1", "LXRSFZJHM": "110105194912320021"}, "公民身份号码"),
    ],
)
def test_bad_applications_are_refused_with_a_reason(sender: Sender, changes: Fields, reason: str) -> None:
    receipt = sender.send(SB, application(100, **changes))
    assert (receipt["code"], receipt["desc"]) == (1, "校验失败")
    assert any(reason in said for said in receipt["reasonList"]), receipt["reasonList"]
    assert receipt["receiptNo"]


@pytest.mark.parametrize(
    ("number", "changes"),
    [
        (201, {"LXRSJ": "0768-2200000"}),
        (202, {"SQRLX": "2"}),
        (203, {"SQRZJLX": "001", "SQRZJHM": "91445100MA4UBAD000"}),
        (204, {"SQRZJHM": "110105491231002"}),
        (205, {"SXMC": "证" * 100}),
        (206, {"BZ": "生僻字𠮷", "TJFS": ""}),
    ],
)
def test_what_deserves_only_a_warning_is_accepted(sender: Sender, number: int, changes: Fields) -> None:
    assert sender.send(SB, application(number, **changes))["reasonList"] == []


def test_stages_are_held_against_their_application(sender: Sender) -> None:
    orphan = sender.send(SL, acceptance(8001))
    assert orphan["code"] == 1
    assert "没有已接收的申办信息" in orphan["reasonList"][0]
    sender.send(SB, application(8001))
    assert sender.send(SL, acceptance(8001, SLSJ="2017-11-30 09:29:59"))["code"] == 1
    assert sender.send(SL, acceptance(8001, SLSJ="2017-11-30 09:30:00"))["code"] == 0
    refused = sender.send(SL, acceptance(8001, SLZTDM="2"), version=2)
    assert any("BSLYY" in said for said in refused["reasonList"])
    for result, missing in (("0", {"ZJBH", "ZJGZMC", "FZGZDW"}), ("1", {"ZFHTHYY"})):
        said = "".join(sender.send(BJ, closing(8001, BJJGDM=result))["reasonList"])
        assert all(name in said for name in missing)
    assert sender.send(BJ, closing(8001, SFJE="1.234"))["code"] == 1


def test_what_is_no_message_at_all_has_its_own_codes(sender: Sender) -> None:
    key, good = case_no(8101), message(SB, application(8101))
    assert sender.post(SB, key, 1, b"").json()["code"] == 2
    assert sender.post(SB, key, 1, b"<ExInfo>").json()["reasonList"] == ["报文不是合法的 XML"]
    assert sender.post(SB, key, 1, b"<!DOCTYPE x><ExInfo/>").json()["code"] == 1
    assert sender.post("EX_GDBS_XX", key, 1, good).json()["code"] == 1
    assert sender.post("EX_GDBS_SBCL", key, 1, good).json()["code"] == 1
    assert sender.post(SL, key, 1, good).json()["code"] == 1
    assert sender.post(SB, case_no(8102), 1, good).json()["code"] == 1
    assert sender.post(SB, key, "0", good).json()["code"] == 1
    assert sender.post(SB, key, "9" * 5000, good).json()["code"] == 1
    assert sender.post(SB, key, 1, good, deptCode="").json()["reasonList"] == ["缺少参数 deptCode"]
    assert sender.post(SB, key, 1, b"<a>" + b"x" * 3_000_000).json()["reasonList"] == ["报文过大"]
    doubled = good.replace(b"</standardInfo>", b'<Field FieldName="SXBM">1</Field></standardInfo>')
    assert sender.post(SB, key, 1, doubled).json()["reasonList"] == ["有字段重复出现"]
    wrong = sender.http.post("/submit", headers={"Authorization": "Bearer wrong"}, content=good)
    assert (wrong.status_code, wrong.json()["code"], wrong.json()["desc"]) == (401, 4, "验证失败")
    assert sender.http.get("/counts", headers={"Authorization": ""}).status_code == 401


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


def test_a_timeout_never_answers_and_stores_or_not(sender: Sender) -> None:
    sender.misbehave(timeout=1, seed=5)
    for number in range(8201, 8209):
        with pytest.raises(httpx.ReadTimeout):
            sender.http.post(
                "/submit",
                params={"deptCode": "1", "tableName": SB, "identify": case_no(number), "version": "1"},
                content=message(SB, application(number, VERSION="1")),
                timeout=0.2,
            )
    asked = [{"tableName": SB, "identify": case_no(number)} for number in range(8201, 8209)]
    stored = [sender.http.get("/records", params=one).status_code == 200 for one in asked]
    assert set(stored) == {True, False}
    sender.misbehave()
    assert all(sender.send(SB, application(number))["code"] == 0 for number in range(8201, 8209))


def test_server_errors_come_before_or_after_storing(sender: Sender) -> None:
    body, key = message(SB, application(8301)), case_no(8301)
    sender.misbehave(error=1, seed=1)
    assert sender.post(SB, key, 1, body).status_code >= 500
    assert sender.http.get("/records", params={"tableName": SB, "identify": key}).status_code == 404
    sender.misbehave(stored_error=1, seed=1)
    assert sender.post(SB, key, 1, body).status_code >= 500
    stored = sender.get("/records", tableName=SB, identify=key)
    sender.misbehave()
    assert sender.post(SB, key, 1, body).json()["receiptNo"] == stored["receiptNo"]


def test_receipt_3_slowness_and_double_receipts(sender: Sender) -> None:
    sender.misbehave(receipt3=1)
    receipt = sender.send(SB, application(8401))
    assert (receipt["code"], receipt["desc"]) == (3, "异常")
    sender.misbehave(slow=1, slow_seconds=0.3)
    began = time.monotonic()
    assert sender.send(SB, application(8401))["code"] == 0
    assert time.monotonic() - began >= 0.3
    sender.misbehave(duplicate_receipt=1)
    number = sender.send(SB, application(8402))["receiptNo"]
    written = sender.get("/receipts", tableName=SB, identify=case_no(8402))["data"]
    assert [entry["receiptNo"] for entry in written] == [number, number]
    assert sender.http.post("/misbehave", json={"timeouts": 1}).status_code == 400
    assert sender.http.post("/misbehave", json={"timeout": 2}).status_code == 400


def test_misbehaviour_repeats_under_its_seed(sender: Sender) -> None:
    def fates(seed: int) -> list[int]:
        sender.misbehave(error=0.3, receipt3=0.3, seed=seed)
        keys = [case_no(9000 + number) for number in range(40)]
        answers = [sender.post(SB, key, 1, b"") for key in keys]
        return [a.status_code if a.status_code != 200 else a.json()["code"] for a in answers]

    assert fates(7) == fates(7) != fates(8)
    assert len(set(fates(7))) >= 3


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


def test_check_digits_agree_with_a_well_kept_library() -> None:
    ric = pytest.importorskip("stdnum.cn.ric")
    for stem in ("11010519491231002", "44510219800101001", "44510319991231123"):
        right = ric.calc_check_digit(f"{stem}0")
        assert [digit for digit in "0123456789X" if is_resident_id(stem + digit)] == [right]
    assert is_organisation_code("006988574")
    assert not is_organisation_code("006988575")
