"""Monthly releases: the figures of a month as they were when it was given out. What comes later changes the current
figures, never these; the differences are listed."""

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select

from wangting import clock, engine, ledger, locks, settings, working_time
from wangting.errors import WangtingError
from wangting.publish import require_release
from wangting.site import current_site

# What names a figure, and what it counts: the columns that a later state is compared in.
NAMED_BY = (
    "metric_code", "variant", "definition_version", "subject", "period_kind", "period", "scope_kind", "scope_code",
)  # fmt: skip
COUNTS = ("numerator", "denominator", "unknown_count", "abandoned_count")


@dataclass(frozen=True)
class Frozen:
    """A frozen month.

    Attributes:
        month: yyyy-mm; with it go quarter, half and year that end with it, and the year so far.
        frozen_at, release, build_id: when, and from what.
        path: the Parquet file. rows: figures in it. sha256: of the file.
        is_new: whether this call froze it.
    """

    month: str
    frozen_at: datetime
    release: str
    build_id: str
    path: Path
    rows: int
    sha256: str
    is_new: bool

    def summary(self) -> dict[str, object]:
        """The same as plain data."""
        return asdict(self) | {"path": str(self.path)}


def months() -> list[Frozen]:
    """Every frozen month, the oldest first."""
    rows = ledger.rows(select(ledger.frozen_months).order_by(ledger.frozen_months.c.month))
    return [Frozen(**(row | {"path": settings.home() / row["path"]}), is_new=False) for row in rows]


def due(today: date) -> str | None:
    """The month to freeze on this day: the one before, from the site's declared working day on, unless it is frozen."""
    first = today.replace(day=1)
    days = [first + timedelta(days=number) for number in range((today - first).days + 1)]
    if sum(map(working_time.is_working_day, days)) < current_site().freeze_on_working_day:
        return None
    month = f"{first - timedelta(days=1):%Y-%m}"
    return None if month in {one.month for one in months()} else month


def freeze(month: str | None = None) -> Frozen:
    """Freeze a month's figures out of the current release; a month that is frozen already stays as it is.

    Args:
        month: yyyy-mm; None: the month before today's.

    Raises:
        WangtingError: the month is no month or not over, nothing is published, or what is published ends within it.
    """
    month = month or f"{clock.today().replace(day=1) - timedelta(days=1):%Y-%m}"
    with locks.writer("freeze", wait=60):
        for one in months():
            if one.month == month:
                return one
        last = _last_day(month)
        if last >= clock.today():
            raise WangtingError(f"{month} 还没有结束", place="--month", mend=f"{last} 之后再冻结")
        release = require_release()
        about = json.loads((release.parent / "release.json").read_text("utf-8"))
        _refuse_unfinished(release, about["build_id"], month, last)
        file = settings.home() / "frozen" / month / "metric_values.parquet"
        rows = _write(release, last, file)
        made = Frozen(
            month, clock.now(), about["name"], about["build_id"], file, rows, _sha256(file), is_new=True
        )
        row = made.summary() | {"path": str(file.relative_to(settings.home()))}
        del row["is_new"]
        with ledger.transaction() as connection:
            connection.execute(insert(ledger.frozen_months).values(**row))
    return made


def _last_day(month: str) -> date:
    try:
        first = date.fromisoformat(f"{month}-01")
    except ValueError:
        raise WangtingError(f"{month} 不是月份", place="--month", mend="写作 2017-10") from None
    return (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def _refuse_unfinished(release: Path, build_id: str, month: str, last: date) -> None:
    builds = ledger.builds
    (built,) = ledger.rows(select(builds.c.started_at).where(builds.c.build_id == build_id))
    if built["started_at"].date() <= last:  # also at noon of its last day: the afternoon is missing
        raise WangtingError(
            f"发布的数据构建于 {built['started_at']}，那时 {month} 还没有结束",
            place="--month",
            mend="先运行 wangting build 与 wangting publish",
        )
    connection = engine.connect(release, read_only=True)
    try:
        found = connection.execute(
            "select 1 from dim_periods where period_kind = 'month' and period = ?", [month]
        ).fetchone()
    finally:
        connection.close()
    if found is None:
        raise WangtingError(f"发布的数据中没有 {month}", place="--month", mend="换一个月份")


def _write(release: Path, last: date, file: Path) -> int:
    """Write the figures of every period that ends with the month; under its own name only once it is whole."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}")
    draft.unlink(missing_ok=True)  # of a killed call
    connection = engine.connect(release, read_only=True)
    try:
        query = f"select * from metric_values where period_end = date {engine.literal(last)} order by all"
        (rows,) = connection.execute(
            f"copy ({query}) to {engine.literal(draft)} (format parquet, compression zstd)"
        ).fetchone() or (0,)
    finally:
        connection.close()
    draft.chmod(0o400)
    draft.replace(file)  # a file that the ledger does not name was left by a killed call
    return int(rows)


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def changes(month: str) -> list[dict[str, Any]]:
    """The figures of a frozen month that the current release counts differently.

    Returns:
        One row a figure: what names it, `frozen_<count>` and `present_<count>`; counts of None: not there.

    Raises:
        WangtingError: the month is not frozen, its file is not what was frozen, or nothing is published.
    """
    for one in months():
        if one.month == month:
            break
    else:
        known = "、".join(each.month for each in months()) or "无"
        raise WangtingError(f"{month} 没有冻结过", place="--changes", mend=f"已冻结的月份：{known}")
    if not one.path.is_file() or _sha256(one.path) != one.sha256:
        raise WangtingError(f"{month} 的冻结文件丢失或被改动", place=str(one.path), mend="从备份恢复")
    names = ", ".join(NAMED_BY)
    counted = ", ".join(
        f"frozen.{name} as frozen_{name}, present.{name} as present_{name}" for name in COUNTS
    )
    differing = " or ".join(f"frozen.{name} is distinct from present.{name}" for name in COUNTS)
    connection = engine.connect(require_release(), read_only=True)
    try:
        found = connection.execute(
            f"select {names}, {counted} from read_parquet({engine.literal(one.path)}) as frozen"
            f" full join (select * from metric_values where period_end = date {engine.literal(_last_day(month))})"
            f" as present using ({names}) where {differing} order by {names}"
        )
        titles = [column[0] for column in found.description or []]
        return [dict(zip(titles, row, strict=True)) for row in found.fetchall()]
    finally:
        connection.close()
