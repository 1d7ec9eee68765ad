"""Checks that could not run become alarms, and the alarms end once the rule runs and nothing waits for it any more."""

from collections import defaultdict
from pathlib import Path

from sqlalchemy import select

from expectations.compiling import judgements
from expectations.documents import ERRORS
from expectations.gate import Alarm, GateSummary
from expectations.model import Specification
from wangting import alarms, ledger

KIND = "unchecked"


def announce(summary: GateSummary, verdict_folder: Path, specification: Specification) -> None:
    """Raise an alarm a record type and rule that could not run in a batch, clear those that are over.

    An alarm is over when its rule ran on every record of the batch, or is no longer a rule, and no other record of the
    type waits to be judged again; before, it would come and go with every batch in which the trouble is not met.
    """
    broken: dict[tuple[str, str], list[Alarm]] = defaultdict(list)
    for alarm in summary.alarms:
        broken[alarm.record, alarm.rule_id].append(alarm)
    for (record, rule_id), same in broken.items():
        title = next(each.title for each in judgements(specification, record) if each.rule_id == rule_id)
        fields = "、".join(dict.fromkeys(alarm.field for alarm in same))
        errors = "、".join(dict.fromkeys(ERRORS.get(alarm.error, alarm.error) for alarm in same))
        alarms.raise_alarm(
            KIND,
            f"{record}/{rule_id}",
            f"批次 {summary.batch_id} 中，{specification.records[record].title}（{record}）的规则 {rule_id}「{title}」"
            f"未能执行（字段 {fields}；错误 {errors}），{max(alarm.rows for alarm in same):,} 条记录暂留未发",
            "查看运行日志中该规则的错误并排除；排除后这些记录在下次运行时自动重新校验，无需改动数据",
        )
    told = {f"{record}/{rule_id}" for record, rule_id in broken}
    for alarm_row in alarms.open_alarms():
        subject = str(alarm_row["subject"])
        record = subject.split("/")[0]
        if alarm_row["kind"] != KIND or subject in told or not sum(summary.outcomes.get(record, {}).values()):
            continue
        if not _others_wait(record, verdict_folder):
            alarms.clear(KIND, subject)


def _others_wait(record: str, verdict_folder: Path) -> bool:
    """Do records of this type that are not in the batch wait to be judged again?"""
    import pyarrow.parquet as pq

    column = pq.read_table(verdict_folder / f"{record.lower()}.parquet", columns=["record_key"]).column(0)
    here = set(column.to_pylist())
    o = ledger.outbox
    waiting = select(o.c.record_key).where(
        o.c.record == record, o.c.state == "HELD", o.c.outcome == "unchecked"
    )
    with ledger.engine().connect() as connection:
        return any(key not in here for key in connection.execute(waiting).scalars())
