"""Alarms of the exchange: what comes near its 12 hours, and who says nothing; and telling of them."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import and_, case, exists, func, literal_column, not_, select, text

from wangting import alarms, clock, ledger, seeds, silence, telling
from wangting.errors import WangtingError
from wangting.site import current_site

_LIMIT = timedelta(hours=12)
_NAMED = 3  # case numbers a group: enough to look into, few enough for a message
_STATES = {
    "unchecked": "未能校验", "HELD": "校验未过", "REJECTED": "被退回", "BLOCKED": "等申办", "NEW": "待发",
    "SENT": "已发待回执", "RETRY": "待重发",
}  # fmt: skip
_MENDS = {
    ("HELD", "REJECTED"): "由该部门按校验结论或退回原因更正，更正后自动重新报送（wangting trace 申办流水号）",
    ("unchecked",): "由运维查明规则未能执行的原因，重新校验",
    ("BLOCKED",): "先让其申办记录通过并送达",
    ("NEW", "SENT", "RETRY"): "由运维检查省平台与推送任务（wangting status）",
}


@dataclass
class Watch:
    """What a look around came to: alarms raised or still open of each kind, and what each channel was told."""

    overdue: int = 0
    silent_sources: int = 0
    told: list[telling.Telling] = field(default_factory=list)

    def summary(self) -> dict[str, object]:
        """The same as plain data."""
        return asdict(self)


def look() -> Watch:
    """Raise and clear the alarms of this moment; nobody is told yet."""
    now = clock.now()
    late = dict(_overdue(now))
    silent = dict(_silent(now))
    for kind, found in (("overdue", late), ("silent_source", silent)):
        for subject, (said, mend) in found.items():
            alarms.raise_alarm(kind, subject, said, mend)
        for row in alarms.open_alarms():
            if row["kind"] == kind and row["subject"] not in found:
                alarms.clear(kind, row["subject"])
    return Watch(len(late), len(silent))


def look_and_tell() -> Watch:
    """Raise and clear the alarms of this moment, then tell the site's channels what they have not heard yet.

    Raises:
        WangtingError: a channel could not be told; all others were, and it is told the next time.
    """
    watch = look()
    watch.told = telling.tell()
    for told in watch.told:
        if told.error is not None:
            raise WangtingError(told.error)
    return watch


def _overdue(now: datetime) -> Iterator[tuple[str, tuple[str, str]]]:
    """Department|system → what is not acknowledged although the alarm's hours have passed."""
    o, later = ledger.outbox, ledger.outbox.alias("later")
    is_counted_as_later_version = and_(
        o.c.state == "REJECTED",
        exists().where(
            later.c.record == o.c.record, later.c.record_key == o.c.record_key, later.c.version > o.c.version
        ),
    )
    old = and_(
        text(ledger.OPEN_LIVE),  # in the index's own words
        o.c.due_at <= now + _LIMIT - current_site().alarm.after,
        not_(is_counted_as_later_version),
    )
    # Worded without parameters: PostgreSQL must see that what is grouped by is what is shown.
    unit = func.coalesce(o.c.unit_code, literal_column("''"))
    counts: dict[tuple[str, str], dict[str, int]] = {}
    late: dict[tuple[str, str], int] = {}
    is_late = func.sum(case((o.c.due_at <= now, 1), else_=0)).label("late")
    for row in ledger.rows(
        select(unit.label("unit"), o.c.source, o.c.state, o.c.outcome, func.count().label("n"), is_late)
        .where(old)
        .group_by(unit, o.c.source, o.c.state, o.c.outcome)
    ):
        name = (row["unit"], row["source"])
        kind = "unchecked" if (row["state"], row["outcome"]) == ("HELD", "unchecked") else row["state"]
        kinds_of = counts.setdefault(name, {})
        kinds_of[kind] = kinds_of.get(kind, 0) + row["n"]
        late[name] = late.get(name, 0) + int(row["late"])
    if not counts:
        return
    first = func.min(o.c.due_at)
    place = func.row_number().over(partition_by=(unit, o.c.source), order_by=(first, o.c.case_no))
    ranked = (
        select(unit.label("unit"), o.c.source, o.c.case_no, first.label("due_at"), place.label("place"))
        .where(old)
        .group_by(unit, o.c.source, o.c.case_no)
        .subquery()
    )
    urgent: dict[tuple[str, str], list[str]] = {}
    for row in ledger.rows(select(ranked).where(ranked.c.place <= _NAMED).order_by(ranked.c.place)):
        left = (row["due_at"] - now).total_seconds() / 3600
        said = f"剩 {left:.1f} 小时" if left > 0 else f"已超 {-left:.1f} 小时"
        urgent.setdefault((row["unit"], row["source"]), []).append(f"{row['case_no']}（{said}）")
    units = seeds.units()
    systems = {source.name: source.title for source in current_site().sources}
    hours = current_site().alarm.after.total_seconds() / 3600
    for (code, source), found in counts.items():
        kinds = "、".join(f"{title} {found[kind]}" for kind, title in _STATES.items() if kind in found)
        said = (
            f"{units.get(code, code) or '部门不明'}（{systems.get(source, source)}）有 {sum(found.values())} 条记录"
            f"满 {hours:g} 小时仍未送达省平台，其中超过 12 小时 {late[code, source]} 条：{kinds}；"
            f"最急 {'、'.join(urgent[code, source])}"
        )
        mends = [mend for states_of, mend in _MENDS.items() if any(state in found for state in states_of)]
        yield f"{code}|{source}", (said, "；".join(mends))


def _silent(now: datetime) -> Iterator[tuple[str, tuple[str, str]]]:
    for row in silence.silences(now):
        if row.is_silent:
            since = (
                "从未有数据到达"
                if row.last_arrival_at is None
                else f"自 {row.last_arrival_at:%m-%d %H:%M} 起没有数据到达（{row.working_hours:g} 个工作小时，"
                f"限 {row.limit_hours}）"
            )
            yield (
                row.source,
                (
                    f"{row.title}（{row.owner}）{since}",
                    "由该单位确认系统与接口正常，由运维检查取数（wangting sources）",
                ),
            )
