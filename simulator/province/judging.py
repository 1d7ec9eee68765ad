"""What a submission deserves, in whatever dialect it came: one judge and one store for all of them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from simulator.province import messages
from simulator.province.checks import APPLICATION, Checker
from simulator.province.specification import Specification
from simulator.province.store import Store, Stored
from simulator.province.tongue import Tongue
from wangting import clock

MAX_BODY = 1_000_000  # bytes; the longest legal record is under 40 kB
_VERSION = re.compile(r"[1-9][0-9]{0,8}")


@dataclass(frozen=True)
class Submission:
    """One record as it came, still in the sender's words.

    Attributes:
        facts: deptCode, tableName, identify, version.
        process: the record type that the message itself names.
        body: what is kept.
        problem: why the message cannot be read; code 2 where there was none at all.
    """

    facts: Mapping[str, str]
    process: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    problem: str = ""
    code: int = 1


@dataclass(frozen=True)
class _Verdict:
    """A refusal (`code` ≠ 0), the receipt it already has (`known`), or to be stored."""

    code: int = 0
    reasons: list[str] = field(default_factory=list)
    known: Stored | None = None
    business_time: str = ""


def _refused(reason: str) -> _Verdict:
    return _Verdict(1, [reason])


class Judge:
    """Checks and stores submissions inside the store's open transaction; whoever asks commits before it answers."""

    def __init__(self, store: Store, specification: Specification, tongue: Tongue) -> None:
        self._store, self.tongue = store, tongue
        self.checkers = {
            table: Checker(record, specification) for table, record in specification.records.items()
        }
        self._by_number = {record.number: record for record in specification.records.values()}
        self._now = ""

    def forget_the_time(self) -> None:
        """What is judged from now on is of a new moment."""
        self._now = ""

    def moment(self) -> str:
        """The time of what is judged together: the clock is a file when the city is simulated."""
        if not self._now:
            self._now = clock.now().isoformat(" ", "seconds")
        return self._now

    def xml(self, facts: Mapping[str, str], body: bytes) -> Submission:
        """A submission of one XML message."""
        if not body:
            return Submission(facts, problem="没有报文", code=2)
        if len(body) > MAX_BODY:
            return Submission(facts, problem="报文过大")
        try:
            process, fields = messages.read(body)
        except messages.MessageError as problem:
            return Submission(facts, problem=str(problem))
        return Submission(facts, process, fields, body)

    def json(self, dept: str, body: bytes) -> list[Submission]:
        """The submissions of a request in JSON; what cannot be read at all is one that is refused."""
        if not body:
            return [Submission({"deptCode": dept}, problem="没有报文", code=2)]
        try:
            given = messages.read_json(body)
        except messages.MessageError as problem:
            return [Submission({"deptCode": dept}, problem=str(problem))]
        found = []
        for number, fields in given:
            record = self._by_number.get(number)
            table = self.tongue.says(record.table) if record else ""
            official = self.tongue.fields(record.table, fields) if record else {}
            key = "|".join(official.get(name, "") for name in record.key) if record else ""
            facts = {
                "deptCode": dept,
                "tableName": table,
                "identify": key,
                "version": fields.get("VERSION", ""),
            }
            strange = "" if record else f"sptype {number} 不在规范之内"
            found.append(Submission(facts, table, fields, messages.keep(table, fields), strange))
        return found

    def judge(self, given: Submission, *, doubled: bool = False) -> dict[str, Any]:
        """Check and store one submission; its receipt, which names the record."""
        facts = dict(given.facts)
        facts["tableName"] = self.tongue.table(facts.get("tableName", ""))
        verdict = self._check(given, facts)
        if verdict.known is not None:
            if doubled:
                self._store.repeat(verdict.known.receipt)
            return messages.named(messages.receipt(0, verdict.known.receipt_no), given.facts)
        if verdict.code:
            number = self._store.refuse(facts, self.moment(), verdict.code, verdict.reasons)
            return messages.named(messages.receipt(verdict.code, number, verdict.reasons), given.facts)
        number = self._store.accept(
            facts["tableName"],
            facts["identify"],
            int(facts["version"]),
            facts["deptCode"],
            self.moment(),
            verdict.business_time,
            given.body,
            2 if doubled else 1,
        )
        return messages.named(messages.receipt(0, number), given.facts)

    def refuse(self, given: Submission, code: int, reasons: list[str]) -> dict[str, Any]:
        """Refuse a submission without looking at it."""
        facts = {**given.facts, "tableName": self.tongue.table(given.facts.get("tableName", ""))}
        number = self._store.refuse(facts, self.moment(), code, reasons)
        return messages.named(messages.receipt(code, number, reasons), given.facts)

    def _check(self, given: Submission, facts: Mapping[str, str]) -> _Verdict:
        if given.problem and not facts.get("tableName"):
            return _Verdict(given.code, [given.problem])
        missing = [name for name in ("deptCode", "tableName", "identify", "version") if not facts.get(name)]
        if missing:
            return _refused(f"缺少参数 {'、'.join(missing)}")
        table, identify, version_text = facts["tableName"], facts["identify"], facts["version"]
        checker = self.checkers.get(table)
        if checker is None:
            return _refused(f"表名（tableName）{table[:40]} 不在规范之内")
        if not _VERSION.fullmatch(version_text):
            return _refused("版本号（version）应为正整数")
        if given.problem:
            return _Verdict(given.code, [given.problem])
        version, latest = int(version_text), self._store.latest_version(table, identify)
        if latest >= version:
            same = self._store.find(table, identify, version)
            if same is None:
                return _refused(f"版本号 {version} 低于已接收的版本 {latest}")
            if same.body != given.body and messages.read_stored(same.body) != (given.process, given.fields):
                return _refused(f"版本号 {version} 已接收过不同的内容")
            return _Verdict(known=same)
        fields = self.tongue.fields(table, dict(given.fields))
        reasons = checker.reasons(fields, identify, version_text)
        if self.tongue.table(given.process) != table:
            reasons.append("报文的 process 与表名（tableName）不一致")
        if table != APPLICATION:
            reasons += checker.after(fields, self._store.latest_time(APPLICATION, fields.get("SBLSH", "")))
        if reasons:
            return _Verdict(1, reasons)
        return _Verdict(business_time=fields.get(checker.record.business_time, ""))
