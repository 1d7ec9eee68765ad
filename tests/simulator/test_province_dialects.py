"""The province's other words and worse days: JSON, its own names, garbage, halves, another's receipt, down."""

import json
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from province_sender import SB, SL, Sender, a_home, acceptance, application, case_no, message

from simulator import province
from wangting import clock


def said(number: int, fields: dict[str, str], version: int = 1) -> dict[str, object]:
    return {"sblsh": fields["SBLSH"], "sptype": number, "spobject": fields | {"VERSION": str(version)}}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("WANGTING_HOME", str(tmp_path))
    yield a_home(tmp_path)
    province.stop(tmp_path)


def post_json(sender: Sender, content: object) -> httpx.Response:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return sender.http.post("/submit.json?deptCode=006988574", content=body)


def test_json_is_judged_as_xml_is_and_a_record_sent_both_ways_is_one(home: Path) -> None:
    sender = Sender(province.start(home))
    first = post_json(sender, said(0, application(1))).json()
    assert (first["code"], first["tableName"], first["identify"], first["version"]) == (
        0,
        SB,
        case_no(1),
        "1",
    )
    assert sender.send(SB, application(1))["receiptNo"] == first["receiptNo"]
    assert sender.send(SB, application(1, BZ="另"))["code"] == 1
    several = post_json(
        sender,
        [
            said(2, acceptance(1)),
            said(0, application(2)),
            said(0, application(3, SQRLX="7")),
            said(77, application(4)),
        ],
    ).json()
    assert [receipt["code"] for receipt in several["data"]] == [0, 0, 1, 1]
    assert [receipt["identify"] for receipt in several["data"]][:3] == [case_no(1), case_no(2), case_no(3)]
    row = sender.get("/records", tableName=SL, identify=case_no(1), version=1)
    assert row["fields"] == acceptance(1) | {"VERSION": "1"}


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b"[" * 50_000,
        b'{"sblsh": 1}',
        b'{"sblsh":"1","sptype":true,"spobject":{}}',
        b"[1]",
        b"\xff",
    ],
)
def test_json_that_is_none_of_the_interfaces_gets_a_reason(home: Path, body: bytes) -> None:
    receipt = post_json(Sender(province.start(home)), body).json()
    receipt = receipt["data"][0] if "data" in receipt else receipt
    assert receipt["code"] == 1 and receipt["reasonList"]


def test_a_province_with_names_of_its_own_knows_no_others(home: Path) -> None:
    aliases = {"fields": {SB: {"SBBMZZJGDM": "BMZZJDDM"}}, "codes": {"applicant_type": {"9": "3"}}}
    sender = Sender(province.start(home, aliases=aliases))
    plain = sender.send(SB, application(1))
    assert plain["code"] == 1 and "SBBMZZJGDM" in str(plain["reasonList"])
    fields = application(1, SQRLX="3")
    fields["BMZZJDDM"] = fields.pop("SBBMZZJGDM")
    assert sender.send(SB, fields)["reasonList"] == []
    assert sender.send(SB, fields | {"SQRLX": "9"}, version=2)["code"] == 1  # what we call 9 it calls 3


@pytest.mark.parametrize(
    ("manners", "kind"),
    [
        ({"garbage": 1.0}, "none"),
        ({"half": 1.0}, "none"),
        ({"other": 1.0}, "other"),
        ({"reset": 1.0}, "broken"),
    ],
)
def test_on_a_bad_day_the_record_is_stored_and_its_receipt_is_none(
    home: Path, manners: dict[str, float], kind: str
) -> None:
    sender = Sender(province.start(home))
    sender.misbehave(**manners)
    body = message(SB, application(1) | {"VERSION": "1"})
    if kind == "broken":
        with pytest.raises(httpx.RemoteProtocolError):
            sender.post(SB, case_no(1), 1, body)
    else:
        answer = sender.post(SB, case_no(1), 1, body)
        assert answer.status_code == 200
        if kind == "other":
            assert answer.json()["identify"] != case_no(1)
        else:
            with pytest.raises(ValueError):
                answer.json()
    assert sender.get("/records", tableName=SB)["total"] == 1


def test_a_slow_answer_comes_whole(home: Path) -> None:
    sender = Sender(province.start(home))
    sender.misbehave(drip=1.0, slow_seconds=0.1)
    assert sender.send(SB, application(1))["code"] == 0


def test_it_is_down_until_its_moment(home: Path) -> None:
    sender = Sender(province.start(home))
    until = clock.now() + timedelta(hours=3)
    sender.http.post("/misbehave", json={"down_until": until.isoformat()}).raise_for_status()
    assert sender.post(SB, case_no(1), 1, b"").status_code == 503
    assert sender.http.get("/counts").status_code == 503
    clock.set_simulated(until)
    assert sender.send(SB, application(1))["code"] == 0
    assert sender.http.post("/misbehave", json={"down_until": "soon"}).status_code == 400
