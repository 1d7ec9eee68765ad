"""Alarms are raised once, told once a channel, told again, and told to be over; on both kinds of ledger."""

import json
import re
import threading
from datetime import timedelta
from email import message_from_bytes
from email.header import decode_header, make_header
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from exchange import watch
from tests.exchange.lane import SB, SL, case_no
from tests.exchange.versions import BASE, minutes, put
from tests.servers import free_port
from wangting import alarms, clock, telling
from wangting.errors import WangtingError

PERSON = "44510219800101123X"


@pytest.fixture(params=["sqlite", "postgresql"])
def book(request, home, monkeypatch):
    """A ledger of either kind; the clock stands at eight hours after BASE."""
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres").create()
        monkeypatch.setenv("WANGTING_LEDGER_URL", url.replace("postgresql://", "postgresql+psycopg://"))
    clock.set_simulated(BASE + minutes(480))
    return request.param


class Hook:
    """A webhook that keeps what it hears and answers as told."""

    def __init__(self):
        hook = self
        self.heard, self.status, self.answer = [], 200, b'{"errcode": 0}'

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if hook.status == 200:
                    hook.heard.append(json.loads(body))
                self.send_response(hook.status)
                self.end_headers()
                self.wfile.write(hook.answer)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/send?key=a-secret-of-the-hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class Mailbox:
    """What a mail server does with a message: keeps it."""

    def __init__(self):
        self.heard, self.logins = [], []

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 (the name is aiosmtpd's)
        self.heard.append((envelope.rcpt_tos, session.ssl is not None, message_from_bytes(envelope.content)))
        return "250 OK"

    def authenticate(self, server, session, envelope, mechanism, data):
        self.logins.append((data.login.decode(), data.password.decode()))
        return AuthResult(success=data.password == b"right", handled=False)


def words(message):
    return str(make_header(decode_header(message["Subject"]))), message.get_payload(decode=True).decode()


@pytest.fixture
def hook(monkeypatch):
    made = Hook()
    monkeypatch.setenv("ALARM_WEBHOOK", made.url)
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def mailbox():
    box = Mailbox()
    controller = Controller(box, hostname="127.0.0.1", port=free_port())
    controller.start()
    box.port = controller.port
    yield box
    controller.stop()


@pytest.fixture
def channels(tmp_path, monkeypatch):
    """Say which channels the site has; everything else of it stays as it is."""
    from wangting import settings

    original = settings.site_path()

    def set_up(*, hook=False, port=None, **mail):
        folder = tmp_path / "site"
        folder.mkdir(exist_ok=True)
        for entry in original.iterdir():
            if entry.name != "site.yml" and not (folder / entry.name).exists():
                (folder / entry.name).symlink_to(entry)
        lines = [
            re.sub(r"(?ms)^alarm:.*?(?=^\w|\Z)", "", (original / "site.yml").read_text("utf-8")),
            "alarm:",
        ]
        lines.append("  after: 8 hours\n  again: 4 hours")
        if hook:
            lines.append("  webhook: ${ALARM_WEBHOOK}")
        if port:
            lines.append(
                f"  mail: {{host: localhost, port: {port}, sender: a@example.org, to: [b@example.org, c@example.org]"
            )
            lines[-1] += (
                "".join(f', {name}: "{value}"' for name, value in ({"starttls": "false"} | mail).items())
                + "}"
            )
        (folder / "site.yml").write_text("\n".join(lines) + "\n", "utf-8")
        monkeypatch.setenv("WANGTING_SITE", str(folder))

    return set_up


def said(hook):
    return [message["text"]["content"] for message in hook.heard]


def test_an_alarm_is_one_while_it_is_open_and_takes_the_newer_words(book):
    alarms.raise_alarm("receiver", "province", "一", "等")
    alarms.raise_alarm("receiver", "province", "二", "等")
    alarms.raise_alarm("receiver", "other", "三", "等")
    assert [(row["subject"], row["text"]) for row in alarms.open_alarms()] == [
        ("province", "二"),
        ("other", "三"),
    ]
    clock.advance(minutes(5))
    alarms.clear("receiver", "province")
    alarms.clear("receiver", "never raised")
    assert [row["subject"] for row in alarms.open_alarms()] == ["other"]
    alarms.raise_alarm("receiver", "province", "四", "等")
    newest = alarms.open_alarms()[-1]
    assert (newest["text"], newest["raised_at"], newest["told_at"]) == ("四", clock.now(), None)


def test_records_that_near_their_twelve_hours_are_one_alarm_a_department_and_system(book):
    put(SB, case_no(1), state="HELD", outcome="held")
    put(SL, case_no(1), state="BLOCKED", clock_at=BASE - minutes(300))
    put(SB, case_no(2), state="RETRY", unit_code="069079191", source="housing_bureau")
    put(SB, case_no(3), state="NEW", clock_at=BASE + minutes(1))  # 7:59 old
    put(SB, case_no(4), acked_at=400)
    put(SB, case_no(5), state="NEW", is_backfill=True)
    put(SB, case_no(6), 1, state="REJECTED")
    put(SB, case_no(6), 2, acked_at=400)
    assert watch.look().overdue == 2
    found = {row["subject"]: row for row in alarms.open_alarms() if row["kind"] == "overdue"}
    assert found.keys() == {"006988574|unified_platform", "069079191|housing_bureau"}
    first = found["006988574|unified_platform"]
    assert (
        "有 2 条记录满 8 小时" in first["text"] and "超过 12 小时 1 条：校验未过 1、等申办 1" in first["text"]
    )
    assert f"最急 {case_no(1)}（已超 1.0 小时）" in first["text"]
    assert "更正" in first["mend"] and "申办" in first["mend"]
    assert "潮州市发展和改革局（住房城乡建设业务系统）有 1 条" in found["069079191|housing_bureau"]["text"]
    assert "剩 4.0 小时" in found["069079191|housing_bureau"]["text"]


def test_a_silent_source_is_an_alarm_until_it_speaks(book):
    from wangting import ledger

    def speaks(load_id):
        ledger.record(
            ledger.loads, load_id=load_id, source="town_station", table_name="t", state="committed",
            load_date="2017-12-01", planned_at=clock.now(), loaded_at=clock.now(), rows=1, bytes=1,
        )  # fmt: skip

    assert watch.look().silent_sources == 0  # the house has only begun
    speaks("first")
    clock.advance(timedelta(days=60))
    assert watch.look().silent_sources == len(watch.current_site().sources)
    speaks("second")
    watch.look()
    silent = {row["subject"] for row in alarms.open_alarms()}
    assert "town_station" not in silent and "unified_platform" in silent


def test_a_webhook_is_told_once_then_again_and_at_the_end(book, hook, channels):
    channels(hook=True)
    alarms.raise_alarm("receiver", "province", "省平台没有应答", "等待恢复")
    alarms.raise_alarm("overdue", "x|y", "某部门有 3 条", "更正")
    [told] = telling.tell()
    assert (told.channel, told.new, told.error) == ("webhook", 2, None)
    [text] = said(hook)
    assert "新 2" in text and "省平台没有应答" in text and "处理：更正" in text
    assert [alarm["kind"] for alarm in hook.heard[0]["alarms"]] == ["receiver", "overdue"]
    assert all(row["told_at"] == clock.now() for row in alarms.open_alarms())
    for _ in range(3):  # every ten minutes: silence
        clock.advance(minutes(10))
        assert telling.tell() == [telling.Telling("webhook")]
    alarms.clear("overdue", "x|y")
    clock.advance(minutes(240))
    [told] = telling.tell()
    assert (told.new, told.again, told.over) == (0, 1, 1)
    assert "仍未解除 1，已解除 1" in said(hook)[-1]
    clock.advance(minutes(10))
    telling.tell()
    assert len(hook.heard) == 2


def test_a_mailbox_gets_one_message_for_all_in_chinese(book, mailbox, channels):
    channels(port=mailbox.port)
    for number in range(30):
        alarms.raise_alarm("overdue", str(number), f"第 {number} 个部门", "更正")
    telling.tell()
    [(recipients, _, message)] = mailbox.heard
    title, text = words(message)
    assert recipients == ["b@example.org", "c@example.org"]
    assert title == "【网厅警报】潮州市：新 30" and "第 29 个部门" in text


def test_a_failing_webhook_loses_nothing_and_does_not_hinder_the_mailbox(book, hook, mailbox, channels):
    channels(hook=True, port=mailbox.port)
    alarms.raise_alarm("receiver", "province", "省平台没有应答", "等待恢复")
    for status, answer in ((500, b""), (200, b'{"errcode": 93000}')):
        hook.status, hook.answer = status, answer
        told = {each.channel: each for each in telling.tell()}
        assert told["webhook"].error and "警报推送地址" in told["webhook"].error
        assert "a-secret-of-the-hook" not in told["webhook"].error
    hook.heard.clear()
    assert len(mailbox.heard) == 1 and alarms.open_alarms()[0]["told_at"] is None
    hook.status, hook.answer = 200, b"ok"
    telling.tell()
    assert len(hook.heard) == 1 and len(mailbox.heard) == 1
    assert alarms.open_alarms()[0]["told_at"] is not None


def test_what_came_and_went_while_a_channel_failed_is_still_told(book, hook, channels):
    channels(hook=True)
    hook.status = 503
    alarms.raise_alarm("receiver", "province", "省平台没有应答", "等待恢复")
    telling.tell()
    alarms.clear("receiver", "province")
    hook.status = 200
    [told] = telling.tell()
    assert (told.new, told.over) == (0, 1) and "解除" in said(hook)[0]
    assert telling.tell() == [telling.Telling("webhook")]


def test_nobody_there_is_an_error_that_shows_no_key(home, channels, monkeypatch):
    clock.set_simulated(BASE)
    monkeypatch.setenv("ALARM_WEBHOOK", f"http://127.0.0.1:{free_port()}/send?key=a-secret-of-the-hook")
    channels(hook=True, port=free_port())
    alarms.raise_alarm("receiver", "province", "省平台没有应答", "等待恢复")
    told = telling.tell()
    assert len(told) == 2 and all("ConnectionRefusedError" in each.error for each in told)
    assert "a-secret" not in str(told)
    with pytest.raises(WangtingError, match="没有送达"):
        watch.look_and_tell()


def test_a_variable_that_is_not_set_is_named_and_hinders_no_other(home, mailbox, channels, monkeypatch):
    clock.set_simulated(BASE)
    monkeypatch.delenv("ALARM_WEBHOOK", raising=False)
    channels(hook=True, port=mailbox.port)
    alarms.raise_alarm("receiver", "province", "省平台没有应答", "等待恢复")
    told = {each.channel: each for each in telling.tell()}
    assert "ALARM_WEBHOOK" in told["webhook"].error and told["mail"].new == 1


def test_mail_goes_by_tls_and_after_a_login_where_the_server_wants_it(home, channels, monkeypatch, tmp_path):
    import ssl

    clock.set_simulated(BASE)
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    monkeypatch.setenv("MAIL_USER", "wangting")
    box = Mailbox()
    controller = Controller(
        box, hostname="127.0.0.1", port=free_port(), tls_context=context, require_starttls=True,
        authenticator=box.authenticate, auth_required=True,
    )  # fmt: skip
    controller.start()
    try:
        channels(port=controller.port, starttls="true", username="${MAIL_USER}", password="${MAIL_PASSWORD}")
        alarms.raise_alarm("receiver", "province", "省平台没有应答", "等待恢复")
        monkeypatch.setenv("MAIL_PASSWORD", "wrong")
        [told] = telling.tell()
        assert "535" in told.error and "wrong" not in told.error and not box.heard
        monkeypatch.setenv("MAIL_PASSWORD", "right")
        [told] = telling.tell()
        assert told.new == 1 and box.logins[-1] == ("wangting", "right")
        assert box.heard[0][1]
    finally:
        controller.stop()


def test_a_message_has_case_numbers_and_no_personal_data(home, hook, channels):
    channels(hook=True)
    clock.set_simulated(BASE + minutes(500))
    put(SB, case_no(1), state="REJECTED", receipt_text=f"证件号码 {PERSON} 无效")
    watch.look_and_tell()
    [text] = said(hook)
    assert case_no(1) in text and PERSON not in text
