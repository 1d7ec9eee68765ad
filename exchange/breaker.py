"""Is the receiver there? A breaker for each receiver, kept in the ledger, so that an outage outlives the process.

closed → open after passes without any answer → half_open when it is time: one record asks → closed, or open again and
longer. While it is open a push ends at once; so a day's outage costs one request a run at most.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import insert, select, update

from wangting import alarms, clock, ledger
from wangting.site import Province

_R, _O = ledger.receivers, ledger.outages
_ALARM = "receiver"
MEND = "确认接收方和网络恢复；下一次推送到时先试一条、通了就全部发出，急用可运行 wangting push --now"
TITLES = {"closed": "正常", "open": "断开，暂不推送", "half_open": "正在试探"}


@dataclass(frozen=True)
class Standing:
    """How it stands with a receiver.

    Attributes:
        failures: passes in a row without any answer. probes: failed ones since it opened.
        opened_at: since when it counts as away. probe_at: not before then is it asked again.
    """

    receiver: str
    state: Literal["closed", "open", "half_open"] = "closed"
    failures: int = 0
    probes: int = 0
    opened_at: datetime | None = None
    probe_at: datetime | None = None
    reason: str | None = None

    def waits(self, now: datetime) -> bool:
        """Whether nothing at all may be sent yet."""
        return self.state == "open" and self.probe_at is not None and now < self.probe_at

    @property
    def is_away(self) -> bool:
        """Whether one record must ask before all others may go; so too after a run that ended while asking."""
        return self.state != "closed"


def name_of(province: Province) -> str:
    """What a receiver is called in the ledger: another route or dialect is another receiver."""
    return f"{province.route}/{province.dialect}"


def standing(receiver: str) -> Standing:
    """How it stands; a receiver that was never away is closed."""
    found = ledger.rows(select(_R).where(_R.c.receiver == receiver))
    return Standing(**found[0]) if found else Standing(receiver)


def _write(now: Standing) -> Standing:
    with ledger.transaction() as connection:
        ledger.upsert(connection, _R, [asdict(now)])
    return now


def stumbled(before: Standing, reason: str) -> Standing:
    """A pass went without any answer; the breaker is still closed."""
    return _write(Standing(before.receiver, failures=before.failures + 1, reason=reason))


def opened(before: Standing, reason: str, pauses: Sequence[timedelta]) -> Standing:
    """Nobody answers: nothing goes before the next probe; an outage begins, or goes on.

    Args:
        pauses: before the first, second, … probe; the last is the limit.
    """
    at = clock.now()
    is_news = before.state == "closed"
    probes = 0 if is_news else before.probes + 1
    began = at if is_news or before.opened_at is None else before.opened_at
    pause = _jittered(pauses[min(probes, len(pauses) - 1)], f"{before.receiver}|{began}|{probes}")
    now = Standing(before.receiver, "open", before.failures, probes, began, at + pause, reason)
    with ledger.transaction() as connection:
        ledger.upsert(connection, _R, [asdict(now)])
        if is_news:
            connection.execute(
                insert(_O).values(receiver=before.receiver, began_at=began, ended_at=None, reason=reason)
            )
    alarms.raise_alarm(
        _ALARM,
        before.receiver,
        f"接收方（{before.receiver}）自 {began:%m-%d %H:%M} 起没有应答：{reason}",
        MEND,
    )
    return now


def probing(before: Standing) -> Standing:
    """It is time: one record asks."""
    return _write(
        Standing(
            before.receiver, "half_open", before.failures, before.probes, before.opened_at, before.probe_at,
            before.reason,
        )
    )  # fmt: skip


def closed(before: Standing) -> Standing:
    """It answers: everything flows, and an outage is over."""
    if before == Standing(before.receiver):
        return before
    now = Standing(before.receiver)
    with ledger.transaction() as connection:
        ledger.upsert(connection, _R, [asdict(now)])
        connection.execute(
            update(_O)
            .where(_O.c.receiver == before.receiver, _O.c.ended_at.is_(None))
            .values(ended_at=clock.now())
        )
    if before.is_away:
        alarms.clear(_ALARM, before.receiver)
    return now


def _jittered(pause: timedelta, name: str) -> timedelta:
    """Up to 20 % less, so that the limit stays one; the same for the same outage and probe."""
    spread = int.from_bytes(hashlib.blake2s(name.encode(), digest_size=2).digest(), "big") / 65_535
    return pause * (1 - 0.2 * spread)


def sentence(now: Standing) -> str:
    """One line for people about a receiver that is away."""
    assert now.opened_at is not None and now.probe_at is not None  # it is open
    return (
        f"接收方（{now.receiver}）自 {now.opened_at:%m-%d %H:%M:%S} 起没有应答（{now.reason}），"
        f"{now.probe_at:%m-%d %H:%M:%S} 之后先试一条；要立即试，运行 wangting push --now"
    )


def shown() -> list[dict[str, Any]]:
    """Every receiver that was ever away, for `wangting status`: its standing, and how often and long it was away."""
    rows = ledger.rows(select(_R).order_by(_R.c.receiver))
    found = ledger.rows(select(_O))
    now = clock.now()
    return [
        {
            **row,
            "title": TITLES[row["state"]],
            "outages": len(mine := [each for each in found if each["receiver"] == row["receiver"]]),
            "hours_away": round(
                sum(((each["ended_at"] or now) - each["began_at"]).total_seconds() for each in mine) / 3600, 2
            ),
        }
        for row in rows
    ]
