"""From the cut to the push: judge the batches in the order they were cut and hand each to the outbox."""

from dataclasses import asdict, dataclass

from exchange import batches
from exchange.outbox import EnqueueSummary, enqueue
from wangting import locks


@dataclass
class PassageSummary:
    """What became of one batch; counts are records.

    Attributes:
        outcomes: the gate's: passed, warned, held, unchecked.
        alarms: checks that could not run, as sentences.
        outbox: what entered it.
    """

    batch_id: str
    outcomes: dict[str, int]
    alarms: list[str]
    outbox: EnqueueSummary

    def summary(self) -> dict[str, object]:
        """The same as plain data."""
        return asdict(self)


def judge_and_enqueue() -> list[PassageSummary]:
    """Judge every batch that is not judged yet and hand it over; also what an earlier run left half done.

    Raises:
        WangtingError: a batch cannot be read, or another process is at it.
    """
    passed: list[PassageSummary] = []
    with locks.writer("gate"):
        for batch in batches.committed():
            if batch["state"] == "enqueued":
                continue
            batch_id = batch["batch_id"]
            alarms: list[str] = []
            outcomes = {name: int(batch[name]) for name in ("passed", "warned", "held", "unchecked")}
            if not batches.is_judged(batch):
                from expectations.gate import judge

                judged = judge(batch_id)
                outcomes = {name: judged.total(name) for name in outcomes}
                alarms = [
                    f"{alarm.record} 的规则 {alarm.rule_id}（{alarm.field}）未能执行（{alarm.error}），"
                    f"{alarm.rows} 条记录暂留"
                    for alarm in judged.alarms
                ]
            passed.append(PassageSummary(batch_id, outcomes, alarms, enqueue(batch_id)))
    return passed


def enqueue_judged() -> list[EnqueueSummary]:
    """Hand over what `wangting gate` has judged by itself, up to the first batch that is not judged yet.

    Raises:
        WangtingError: another process is at it.
    """
    if not any(batch["state"] == "gated" for batch in batches.committed()):
        return []
    entered: list[EnqueueSummary] = []
    with locks.writer("gate"):
        for batch in batches.committed():
            if not batches.is_judged(batch):
                break
            if batch["state"] == "gated":
                entered.append(enqueue(batch["batch_id"]))
    return entered
