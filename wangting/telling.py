"""Telling of alarms: one message for all that is new, to a webhook and a mailbox, each in its own time.

An alarm is told once a channel, again while it stays open (`alarm.again` of the site), and once more when it is over.
A channel that fails is told at the next occasion and hinders no other.
"""

import json
import smtplib
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select, update

from wangting import clock, ledger, locks, settings
from wangting.errors import WangtingError
from wangting.site import Mailbox, Site, current_site

_TIMEOUT = 10.0  # seconds a channel is waited for
_MISSED = timedelta(days=1)  # what came and went unheard is still told of for so long
_A, _T = ledger.alarms, ledger.tellings


@dataclass
class Telling:
    """What one channel was told; counts are alarms.

    Attributes:
        channel: webhook or mail.
        new, again, over: told for the first time, once more, and that they are over.
        error: why it could not be told, in Chinese; then nothing counts as told.
    """

    channel: str
    new: int = 0
    again: int = 0
    over: int = 0
    error: str | None = None

    def summary(self) -> dict[str, object]:
        """The same as plain data."""
        return asdict(self)


@dataclass
class _News:
    new: list[dict[str, Any]] = field(default_factory=list)
    again: list[dict[str, Any]] = field(default_factory=list)
    over: list[dict[str, Any]] = field(default_factory=list)

    @property
    def rows(self) -> list[dict[str, Any]]:
        return self.new + self.again + self.over


def tell() -> list[Telling]:
    """Tell every channel of the site what it has not heard yet; one entry a channel, none where the site has none.

    Raises:
        WangtingError: another process is telling.
    """
    site = current_site()
    channels: dict[str, Callable[[str, str, _News], None]] = {}
    if (webhook := site.alarm.webhook) is not None:
        channels["webhook"] = lambda title, text, news: _post(webhook, site, title, text, news)
    if (mail := site.alarm.mail) is not None:
        channels["mail"] = lambda title, text, news: _mail(mail, site, title, text)
    told = []
    with locks.writer("alarms", wait=_TIMEOUT * 3):
        for channel, send in channels.items():
            telling = Telling(channel)
            news = _news(channel, clock.now(), site.alarm.again)
            if news.rows:
                try:
                    send(*_worded(site, clock.now(), news), news)
                except WangtingError as error:
                    telling.error = str(error)
                else:
                    telling.new, telling.again, telling.over = map(len, (news.new, news.again, news.over))
                    _note(channel, news, clock.now(), set(channels))
            told.append(telling)
    return told


def _news(channel: str, now: datetime, again: timedelta) -> _News:
    """What a channel has to be told of."""
    join = _A.outerjoin(_T, (_T.c.alarm_id == _A.c.alarm_id) & (_T.c.channel == channel))
    query = (
        select(_A, _T.c.told_at.label("heard_at"), _T.c.clear_told_at)
        .select_from(join)
        .where(_A.c.cleared_at.is_(None) | (_T.c.clear_told_at.is_(None) & (_A.c.cleared_at > now - _MISSED)))
        .order_by(_A.c.raised_at, _A.c.alarm_id)
    )
    news = _News()
    for row in ledger.rows(query):
        if row["cleared_at"] is not None:
            news.over.append(row)
        elif row["heard_at"] is None:
            news.new.append(row)
        elif row["heard_at"] <= now - again:
            news.again.append(row)
    return news


def _note(channel: str, news: _News, now: datetime, channels: set[str]) -> None:
    told = [
        {
            "alarm_id": row["alarm_id"],
            "channel": channel,
            "told_at": now,
            "clear_told_at": now if row["cleared_at"] is not None else None,
        }
        for row in news.rows
    ]
    with ledger.transaction() as connection:
        ledger.upsert(connection, _T, told)
        heard = (
            select(func.count())
            .where(_T.c.alarm_id == _A.c.alarm_id, _T.c.channel.in_(channels))
            .scalar_subquery()
        )
        connection.execute(
            update(_A).where(_A.c.told_at.is_(None), heard >= len(channels)).values(told_at=now)
        )


def _worded(site: Site, now: datetime, news: _News) -> tuple[str, str]:
    """Title and text of one message."""
    parts = [("新", news.new), ("仍未解除", news.again), ("已解除", news.over)]
    title = f"【网厅警报】{site.title}：" + "，".join(f"{name} {len(rows)}" for name, rows in parts if rows)
    lines = [f"{title}（{now:%Y-%m-%d %H:%M}）"]
    for name, rows in parts:
        if rows:
            lines.append(f"\n{name}：")
        for number, row in enumerate(rows, 1):
            since = f"自 {row['raised_at']:%m-%d %H:%M}"
            if row["cleared_at"] is not None:
                lines.append(f"{number}. {row['text']}（{since}，{row['cleared_at']:%m-%d %H:%M} 解除）")
            else:
                lines.append(f"{number}. {row['text']}（{since}）；处理：{row['mend']}")
    return title, "\n".join(lines)


def _post(webhook: str, site: Site, title: str, text: str, news: _News) -> None:
    """POST as JSON: the form that office messengers take for a text, with the alarms themselves beside it."""
    url = settings.resolve(webhook, place="site.yml 的 alarm.webhook")
    names = ("kind", "subject", "text", "mend", "raised_at", "cleared_at")
    alarms = [
        {name: row[name].isoformat() if isinstance(row[name], datetime) else row[name] for name in names}
        for row in news.rows
    ]
    message = {
        "msgtype": "text",
        "text": {"content": text},
        "site": site.name,
        "title": title,
        "alarms": alarms,
    }
    try:
        request = urllib.request.Request(
            url,
            data=json.dumps(message, ensure_ascii=False).encode(),
            headers={"Content-Type": "application/json; charset=utf-8"},
            method="POST",
        )
        if request.type not in ("http", "https"):
            raise ValueError("not a web address")
        with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:
            content = answer.read(65_536)
    except urllib.error.HTTPError as error:
        raise _failure("警报推送地址", f"HTTP {error.code}") from None
    except (
        OSError,
        ValueError,
    ) as error:  # the address holds a key: it is never shown, nor is what contains it
        reason = getattr(error, "reason", None)
        raise _failure(
            "警报推送地址", type(reason if isinstance(reason, Exception) else error).__name__
        ) from None
    try:
        code = json.loads(content).get("errcode", 0)
    except (ValueError, AttributeError):
        return
    if code:  # some messengers say 200 and refuse
        raise _failure("警报推送地址", f"errcode {code}")


def _mail(mail: Mailbox, site: Site, title: str, text: str) -> None:
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = title, mail.sender, ", ".join(mail.to)
    message["Date"] = format_datetime(clock.now().replace(tzinfo=ZoneInfo(site.zone)))
    message.set_content(text, cte="base64")
    place = "site.yml 的 alarm.mail"
    try:
        with smtplib.SMTP(mail.host, mail.port, timeout=_TIMEOUT) as server:
            if mail.starttls:
                server.starttls(context=ssl.create_default_context())
            if mail.username is not None and mail.password is not None:
                server.login(
                    settings.resolve(mail.username, place=place), settings.resolve(mail.password, place=place)
                )
            refused = server.send_message(message)
    except (OSError, smtplib.SMTPException, ValueError) as error:
        code = getattr(error, "smtp_code", None)
        raise _failure("警报邮箱", f"{type(error).__name__}{f' {code}' if code else ''}") from None
    if refused:
        raise _failure("警报邮箱", f"{len(refused)} 个收件地址被拒绝")


def _failure(channel: str, reason: str) -> WangtingError:
    return WangtingError(
        f"警报没有送达（{reason}）",
        place=channel,
        mend="检查 site.yml 的 alarm 与环境变量；警报保留，下次再通知",
    )
