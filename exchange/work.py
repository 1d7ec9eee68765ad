"""Is there anything to do? Asked of the ledger and the declarations alone, before anything heavy is imported."""

from dataclasses import asdict, dataclass, field

from sqlalchemy import func, or_, select, text

from exchange import unchecked
from wangting import clock, ledger
from wangting.build import needed
from wangting.site import current_site


@dataclass
class Work:
    """What waits, as sentences for people; empty: nothing."""

    reasons: list[str] = field(default_factory=list)

    @property
    def is_there(self) -> bool:
        """Whether a run would do anything."""
        return bool(self.reasons)

    def summary(self) -> dict[str, object]:
        """The same as plain data."""
        return asdict(self)


def work() -> Work:
    """What a run of the exchange would find to do now.

    Raises:
        WangtingError: a declaration does not fit.
    """
    asked = (_to_build, _to_cut, _to_judge, _to_send)
    return Work([reason for question in asked if (reason := question()) is not None])


def _to_build() -> str | None:
    current_site().check()
    return needed("exchange")


def _to_cut() -> str | None:
    b, c = ledger.builds, ledger.cuts
    builds = ledger.rows(select(func.count().label("n")).where(b.c.lane == "exchange"))[0]["n"]
    seen = ledger.rows(select(c.c.builds).order_by(c.c.cut_no.desc()).limit(1))
    if builds and (not seen or seen[0]["builds"] != builds):
        return "构建之后还没有切批"
    return "暂留的记录到了时间，或有未能检查的待重新校验" if is_anything_due() else None


def is_anything_due() -> bool:
    """Whether a held record is to be judged again: its time lay ahead and has come, or it could not be judged."""
    o = ledger.outbox
    # The business time itself: a bare date that lies ahead has a clock that began when it was written.
    own_time = func.coalesce(o.c.business_time, o.c.clock_at)
    query = select(o.c.record).where(text(ledger.AHEAD_OF_TIME), own_time <= clock.now()).limit(1)
    return bool(ledger.rows(query)) or unchecked.waits()


def _to_judge() -> str | None:
    b = ledger.batches
    waiting = ledger.rows(select(func.count().label("n")).where(b.c.state != "enqueued"))[0]["n"]
    return f"{waiting} 个批次待校验或入队" if waiting else None


def _to_send() -> str | None:
    from exchange import breaker
    from exchange.receivers import manners

    now = clock.now()
    if breaker.standing(breaker.name_of(manners(current_site()))).waits(now):
        return None  # whatever there is to send waits for the next probe
    o = ledger.outbox
    for state, reason in (("NEW", "有待发的记录"), ("SENT", "有等回执的记录")):
        if ledger.rows(select(o.c.record).where(o.c.state == state).limit(1)):
            return reason
    may = or_(o.c.next_try_at.is_(None), o.c.next_try_at <= now)
    if ledger.rows(select(o.c.record).where(text("state = 'RETRY'"), may).limit(1)):
        return "有可以重发的记录"
    return None
