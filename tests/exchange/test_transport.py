"""What stands around the messages: credentials, signatures, certificates, the rate, and no secret anywhere."""

import hashlib
import hmac
import io
import logging
import ssl
import traceback
from datetime import timedelta

import pytest
import trustme
from sqlalchemy import select

from exchange.cut import cut
from exchange.outbox import enqueue
from exchange.pace import Bucket, Watch
from exchange.push import push
from exchange.receivers.signing import Signer
from tests.exchange.lane import GO_LIVE, NOW, SB, SL, judge, outbox, states
from tests.exchange.provinces import running, site_with
from tests.exchange.receiver import Receiver
from wangting import clock, ledger
from wangting.errors import WangtingError

SIGN = {"key": "${PROVINCE_SIGN_KEY}", "secret": "${PROVINCE_SIGN_SECRET}"}


def prepare(lane, cases=3, stages=(SB, SL)):
    for number in range(1, cases + 1):
        lane.case(number, GO_LIVE, stages)
    lane.build()
    batch_id = cut().batch_id
    judge(batch_id)
    enqueue(batch_id)


# ---- whose receipt is it? -----------------------------------------------------------------------------------


def test_a_receipt_for_another_record_is_no_receipt_of_this_one(lane, receiver):
    case = lane.case(1, GO_LIVE, (SB,))
    lane.build()
    batch_id = cut().batch_id
    judge(batch_id)
    enqueue(batch_id)
    receiver.fault = lambda name, attempt: "other" if attempt == 1 else None
    assert push().states == {"ACK": 1}
    assert receiver.attempts[(SB, case, 1)] == 2
    first = ledger.rows(select(ledger.receipts).order_by(ledger.receipts.c.receipt_id))[0]
    assert (first["code"], first["text"]) == (None, "回执属于另一条记录，不作数")


# ---- signatures ---------------------------------------------------------------------------------------------


def test_a_signature_is_what_its_rule_says():
    signed = Signer("k", "秘密").headers("POST", "/submit?a=%E4%B8%80", b"body", NOW)
    lines = ["POST", "/submit?a=%E4%B8%80", "20171130180000", signed["X-Sign-Nonce"], signed["X-Sign-Digest"]]
    assert signed["X-Sign-Digest"] == hashlib.sha256(b"body").hexdigest()
    wanted = hmac.new("秘密".encode(), "\n".join(lines).encode(), hashlib.sha256).hexdigest()
    assert signed["X-Sign"] == wanted
    assert signed["X-Sign-Nonce"] != Signer("k", "秘密").headers("GET", "/", b"", NOW)["X-Sign-Nonce"]


@pytest.mark.parametrize(
    ("dialect", "route"), [("xml", "direct"), ("json", "direct"), ("xml", "sharing_platform")]
)
def test_a_province_that_wants_signatures_takes_signed_requests(
    lane, home, monkeypatch, tmp_path, dialect, route
):
    site_with(monkeypatch, tmp_path, dialect=dialect, route=route, sign=SIGN)
    with running(home, monkeypatch, route=route, signed=True):
        prepare(lane)
        assert push().states == {"ACK": 6}


@pytest.mark.parametrize("wrong", ["unsigned", "secret", "key", "late"])
def test_a_province_that_wants_signatures_takes_no_others(lane, home, monkeypatch, tmp_path, wrong):
    site_with(monkeypatch, tmp_path, **({} if wrong == "unsigned" else {"sign": SIGN}))
    with running(home, monkeypatch, signed=True) as there:
        if wrong in ("secret", "key"):
            monkeypatch.setenv(f"PROVINCE_SIGN_{wrong.upper()}", "another")
        prepare(lane)
        if wrong == "late":
            from exchange.receivers import http

            real = clock.now
            monkeypatch.setattr(http.clock, "now", lambda: real() - timedelta(minutes=6))
        with pytest.raises(WangtingError, match="签名"):
            push()
        monkeypatch.undo()
        assert there.connections["PROVINCE_SIGN_SECRET"]
    assert set(states_of(home).values()) == {"NEW", "BLOCKED"}


def states_of(home):
    import os

    os.environ["WANGTING_HOME"] = str(home)
    try:
        return states()
    finally:
        del os.environ["WANGTING_HOME"]


def test_a_request_that_is_sent_again_as_it_was_is_refused(home):
    from simulator.province.signatures import Verifier

    clock.set_simulated(NOW)
    verifier = Verifier("k", "s")
    headers = {name.lower(): value for name, value in Signer("k", "s").headers("GET", "/x", b"", NOW).items()}
    assert verifier.problem("GET", "/x", headers, b"") is None
    assert verifier.problem("GET", "/x", headers, b"") == "签名的随机数已用过"
    assert verifier.problem("GET", "/y", headers, b"") == "签名不符"
    assert verifier.problem("GET", "/x", headers, b"more") == "报文摘要不符"


# ---- certificates -------------------------------------------------------------------------------------------


@pytest.fixture
def secure(tmp_path, monkeypatch):
    """A province that speaks TLS and asks for a certificate; gives its authority, and ours."""
    authority, clients = trustme.CA(), trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    clients.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    ours = clients.issue_cert("hall.example")
    files = {name: tmp_path / f"{name}.pem" for name in ("authority", "certificate", "key")}
    authority.cert_pem.write_to_path(str(files["authority"]))
    ours.cert_chain_pems[0].write_to_path(str(files["certificate"]))
    ours.private_key_pem.write_to_path(str(files["key"]))
    for name, file in files.items():
        monkeypatch.setenv(f"PROVINCE_TLS_{name.upper()}", str(file))
    with Receiver(tls=context) as there:
        monkeypatch.setenv("PROVINCE_URL", there.url)
        monkeypatch.setenv("PROVINCE_TOKEN", there.token)
        yield there


TLS = {name: f"${{PROVINCE_TLS_{name.upper()}}}" for name in ("authority", "certificate", "key")}


def test_a_province_that_asks_for_a_certificate_gets_ours(lane, secure, monkeypatch, tmp_path):
    site_with(monkeypatch, tmp_path, tls=TLS)
    prepare(lane)
    assert push().states == {"ACK": 6}


def test_a_province_whose_certificate_is_not_trusted_gets_nothing(lane, secure, monkeypatch, tmp_path):
    site_with(monkeypatch, tmp_path)
    prepare(lane)
    with pytest.raises(WangtingError, match="证书不受信任"):
        push()
    assert not secure.heard and set(states().values()) == {"NEW", "BLOCKED"}


def test_without_our_certificate_nothing_is_taken_and_nothing_is_lost(lane, secure, monkeypatch, tmp_path):
    site_with(monkeypatch, tmp_path, tls={"authority": TLS["authority"]})
    prepare(lane)
    with pytest.raises(WangtingError, match="停止本次推送"):
        push()
    assert not secure.heard and len(states()) == 6
    site_with(monkeypatch, tmp_path, tls=TLS)
    clock.advance(timedelta(minutes=10))
    assert push().states == {"ACK": 6}


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("KEY", None, "证书文件不存在"),
        ("KEY", "no key", "证书或密钥无法使用"),
        ("AUTHORITY", "none", "证书或密钥无法使用"),
    ],
)
def test_a_certificate_that_cannot_be_used_is_named(lane, secure, monkeypatch, tmp_path, name, content, told):
    site_with(monkeypatch, tmp_path, tls=TLS)
    file = tmp_path / "other.pem"
    if content is not None:
        file.write_text(content, "utf-8")
    monkeypatch.setenv(f"PROVINCE_TLS_{name}", str(file))
    prepare(lane)
    with pytest.raises(WangtingError, match=told):
        push()


# ---- the rate -----------------------------------------------------------------------------------------------


def test_no_more_records_a_second_than_the_site_says(lane, receiver, monkeypatch, tmp_path):
    site_with(monkeypatch, tmp_path, rate="20 per second")
    prepare(lane, 50, (SB,))
    assert push().states == {"ACK": 50}
    # The simulated clock moves only where somebody waits: 50 records less the two that may go at once.
    assert timedelta(seconds=2.3) <= clock.now() - NOW <= timedelta(seconds=2.6)


@pytest.mark.parametrize(("records", "at_once"), [(1, 1), (7, 7), (50, 25)])
def test_a_bucket_lets_as_many_through_as_its_rate_says(home, records, at_once):
    import asyncio

    clock.set_simulated(NOW)

    async def take():
        bucket, watch = Bucket(100.0), Watch()
        for _ in range(1000 // at_once):
            await bucket.take(at_once, watch)

    asyncio.run(take())
    took = (clock.now() - NOW).total_seconds()
    sent = 1000 // at_once * at_once
    assert (sent - 10 - at_once) / 100 <= took <= sent / 100


# ---- secrets ------------------------------------------------------------------------------------------------

SECRETS = {
    "PROVINCE_TOKEN": "token-7f3a-of-nobody",
    "PROVINCE_SIGN_SECRET": "sign-9b1c-of-nobody",
    "SHARING_PLATFORM_TOKEN": "bus-4d2e-of-nobody",
    "FRONT_END_URL": "postgresql://hall:base-5e8f-of-nobody@127.0.0.1:9/front_end?connect_timeout=2",
}
BARE = [*list(SECRETS.values())[:3], "base-5e8f-of-nobody"]


@pytest.mark.parametrize(
    ("wanted", "fault"),
    [
        ({"sign": SIGN}, None),
        ({"sign": SIGN}, "echo"),
        ({"sign": SIGN}, "500"),
        ({"sign": SIGN}, "drop"),
        ({"route": "sharing_platform"}, "echo"),
        ({"route": "sharing_platform"}, "garbage"),
        ({"dialect": "front_end"}, None),
    ],
)
def test_no_secret_is_in_anything_that_a_run_writes_or_says(
    lane, home, receiver, monkeypatch, tmp_path, capfd, wanted, fault
):
    site_with(monkeypatch, tmp_path, **wanted)
    receiver.token = SECRETS["SHARING_PLATFORM_TOKEN" if "route" in wanted else "PROVINCE_TOKEN"]
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PROVINCE_SIGN_KEY", "k")
    for name, value in (("URL", receiver.url), ("ID", "p"), ("ACCOUNT", "a")):
        monkeypatch.setenv(f"SHARING_PLATFORM_{name}", value)
    monkeypatch.setenv("PROVINCE_URL", receiver.url)
    receiver.fault = lambda name, attempt: fault
    log = io.StringIO()
    handler = logging.StreamHandler(log)
    logging.getLogger().addHandler(handler)
    logging.getLogger().setLevel(logging.DEBUG)
    prepare(lane)
    said = []
    try:
        said.append(repr(push()))
    except WangtingError as error:
        said += traceback.format_exception(error)
        said += [repr(error), str(error), repr(error.as_dict()), *_chain(error)]
    finally:
        logging.getLogger().removeHandler(handler)
        logging.getLogger().setLevel(logging.WARNING)
    from exchange.receivers import receiver_of
    from wangting.site import current_site

    said += [repr(receiver_of(current_site())), repr(current_site())]
    said += [log.getvalue(), *capfd.readouterr()]
    written = b"\n".join(file.read_bytes() for file in home.rglob("*") if file.is_file())
    for secret in BARE:
        assert secret not in "\n".join(said)
        assert secret.encode() not in written


def _chain(error):
    """Everything that hangs on an exception, also where a traceback would not show it."""
    found, waiting = [], [error]
    while waiting:
        one = waiting.pop()
        found += [repr(one), str(one)]
        waiting += [other for other in (one.__cause__, one.__context__) if other is not None]
    return found


@pytest.mark.parametrize(
    "url",
    [
        "ftp://hall:user-6a7b-of-nobody@x/",
        "user-6a7b-of-nobody",
        "http://[user-6a7b-of-nobody",
        "http://hall:user-6a7b-of-nobody@127.0.0.1:9",
        "http://x/?key=user-6a7b-of-nobody",
    ],
)
def test_an_address_that_is_none_is_not_shown(lane, monkeypatch, url):
    monkeypatch.setenv("PROVINCE_URL", url)
    monkeypatch.setenv("PROVINCE_TOKEN", "t")
    prepare(lane)
    with pytest.raises(WangtingError, match="接收方地址不是") as told:
        push()
    assert "user-6a7b" not in "\n".join([*traceback.format_exception(told.value), *_chain(told.value)])


def test_a_front_end_address_that_is_none_is_not_shown(lane, monkeypatch, tmp_path):
    site_with(monkeypatch, tmp_path, dialect="front_end")
    monkeypatch.setenv("FRONT_END_URL", "user-6a7b-of-nobody 'x")
    prepare(lane)
    with pytest.raises(WangtingError, match="前置库地址无法识别") as told:
        push()
    assert "user-6a7b" not in "\n".join([*traceback.format_exception(told.value), *_chain(told.value)])


def test_a_secret_in_the_sites_own_file_is_refused(lane, monkeypatch, tmp_path):
    from wangting.site import current_site

    site_with(monkeypatch, tmp_path, token="written-here")
    with pytest.raises(WangtingError, match=r"province\.token：密钥和口令不写在站点文件里") as told:
        current_site()
    assert "written-here" not in str(told.value)


def test_a_token_may_come_from_an_airflow_connection(lane, receiver, monkeypatch):
    host = receiver.url.removeprefix("http://")
    monkeypatch.delenv("PROVINCE_URL")
    monkeypatch.delenv("PROVINCE_TOKEN")
    monkeypatch.setenv("AIRFLOW_CONN_PROVINCE", f"http://:{receiver.token}@{host}")
    prepare(lane)
    assert push().states == {"ACK": 6}


def test_a_signature_is_sent_for_reading_back_too(lane, home, monkeypatch, tmp_path):
    from exchange.reconcile import reconcile

    site_with(monkeypatch, tmp_path, sign=SIGN)
    with running(home, monkeypatch, signed=True):
        prepare(lane)
        push()
        assert reconcile().agrees
    assert outbox(SB, lane.rows[SB][next(iter(lane.rows[SB]))]["case_no"])["state"] == "ACK"
