"""The province's interface, as a sender meets it: a real process, real HTTP, good and bad days."""

import time
from collections.abc import Iterator

import httpx
import pytest
from province_sender import (
    BJ,
    CASE,
    ITEM,
    SB,
    SL,
    SPCL,
    Fields,
    Sender,
    a_home,
    acceptance,
    application,
    case_no,
    closing,
    message,
)

from simulator import province
from simulator.province import messages
from simulator.province.checks import is_organisation_code, is_resident_id


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


def test_check_digits_agree_with_a_well_kept_library() -> None:
    ric = pytest.importorskip("stdnum.cn.ric")
    for stem in ("11010519491231002", "44510219800101001", "44510319991231123"):
        right = ric.calc_check_digit(f"{stem}0")
        assert [digit for digit in "0123456789X" if is_resident_id(stem + digit)] == [right]
    assert is_organisation_code("006988574")
    assert not is_organisation_code("006988575")


@pytest.mark.parametrize(
    "body",
    [
        message(SB, application(1, SBXMMC="平常")),
        message(SB, application(1)),
        message(SB, {}),
        message(SB, application(1)).replace(b"><", b">\n<"),
        b"<?xml version='1.0' encoding='UTF-8'?>" + message(SB, application(1)),
        message(SB, {"BZ": "一\n二\t三"}),
        message(SB, {"BZ": ""}),
        message(SB, {"BZ": "x"}).replace(b">x<", b">x\x01<"),
        message(SB, {"BZ": "x"}).replace(b"</Field>", b"</Field>y"),
        message(SB, {"BZ": "x"}).replace(b"</Field>", b"</Field><Field>y</Field>"),
        message(SB, {"BZ": "x"}) + b"<a/>",
        "<ExInfo>证".encode("gbk"),
    ],
)
def test_the_quick_reading_of_a_message_is_the_parsers(body: bytes) -> None:
    quick = messages._read_plain(body)
    try:
        full = messages._read_any(body)
    except messages.MessageError:
        assert quick is None
    else:
        assert quick in (None, full)
        assert messages.read(body) == full
