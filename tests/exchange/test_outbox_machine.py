"""The outbox against a model: in whatever order things happen, each version is in one state, none lost or doubled."""

import shutil
from datetime import timedelta
from itertools import count
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import select

from exchange import finals, history, outbox, settling
from exchange.messages import Result
from exchange.queues import Queue
from exchange.records import record_types
from tests.exchange.lane import GO_LIVE, NOW, SB, SL, SPCL, case_no
from wangting import clock, engine, ledger

BOTH_LEDGERS = True
RECORDS = (SB, SL, SPCL)
CASES = [case_no(number) for number in (1, 2, 3)]
MOMENTS = st.sampled_from([timedelta(seconds=2), timedelta(minutes=10), timedelta(days=3)])
ANSWERS = st.sampled_from(
    ["ack", "ack", "ack", "reject", "fail", "lost answer", "back", "crash", "crash there"]
)
_NUMBERS = count(1)


def answer(code):
    return SimpleNamespace(kind="receipt", code=code, receipt_no="r", text=None, was_heard=True)


class Outbox(RuleBasedStateMachine):
    """The real outbox beside what must be true of it."""

    fresh = None  # makes an empty home and ledger

    def __init__(self):
        super().__init__()
        type(self).fresh()
        clock.set_simulated(NOW)
        self.work = engine.connect()
        self.kinds = {kind.record: kind for kind in record_types()}
        self.entered = set()  # (record, key, version)
        self.judged = {}  # (record, key) → newest version and whether it passed
        self.stored = set()  # at the province
        self.answered = 0  # receipts that must be kept

    @initialize()
    def begins_with_applications(self):
        for case in CASES[:2]:
            self.judge(SB, case, passes=True, is_new=True)

    @rule(
        record=st.sampled_from(RECORDS),
        case=st.sampled_from(CASES),
        passes=st.booleans(),
        is_new=st.booleans(),
    )
    def judge(self, record, case, passes, is_new):
        """A new version, or a held one in a new light."""
        version, had_passed = self.judged.get((record, case), (0, True))
        if is_new or not version:
            version += 1
        elif had_passed:
            return
        self.judged[(record, case)] = (version, passes)
        self.entered.add((record, case, version))
        row = {
            "record_key": case, "version": version, "case_no": case, "unit_code": "u", "source": "s", "batch_id": "b",
            "payload_hash": f"p{version}", "context_hash": "c", "is_backfill": False,
            "outcome": "passed" if passes else "held", "business_time": GO_LIVE, "source_written_at": clock.now(),
            "arrived_at": clock.now(), "cut_at": clock.now(), "rules": None if passes else "N1.code",
            "in_exchange": True,
        }  # fmt: skip
        kinds = {int: "integer", bool: "boolean", str: "varchar", type(None): "varchar"}
        query = "select " + ", ".join(
            f"cast({'null' if value is None else engine.literal(value)} as {kinds.get(type(value), 'timestamp')})"
            f" as {name}"
            for name, value in row.items()
        )
        outbox._know_finals(self.work, [case], None)
        kind = self.kinds[record]
        for rows in outbox._chunks(self.work, outbox._with_past(self.work, kind, query)):
            outbox._enter(kind, rows, outbox.EnqueueSummary("b"))

    @rule(record=st.sampled_from(RECORDS), state=st.sampled_from(["RETRY", "NEW"]), data=st.data())
    def send(self, record, state, data):
        """What may go of one queue goes, and all kinds of things come of it."""
        now = clock.now()
        messages = Queue(self.work, self.kinds[record], state, None, now)._read()
        if not messages or settling.mark(messages, [], now):
            return
        known = self.states()
        results = []
        for message in messages:
            name = (record, message.record_key, message.version)
            assert not any(
                other[:2] == name[:2] and other[2] < name[2] and known[other] in ("SENT", "RETRY")
                for other in known
            )
            if record != SB:  # the province must have the application by now
                assert any(stored[:2] == (SB, message.case_no) for stored in self.stored)
            happens = data.draw(ANSWERS)
            if happens in ("ack", "lost answer", "crash there"):
                self.stored.add(name)
            if happens.startswith("crash"):
                continue
            codes = {"ack": 0, "reject": 1, "fail": 3, "lost answer": None}
            self.answered += happens != "back"
            results.append(Result(message, None if happens == "back" else answer(codes[happens]), now))
        settling.settle(results)

    @rule()
    def read_back(self):
        """What has no answer is asked for."""
        results = []
        for message in settling.unanswered():
            is_there = (message.record, message.record_key, message.version) in self.stored
            self.answered += is_there
            results.append(Result(message, answer(0) if is_there else None, clock.now()))
        settling.settle_read_back(results, clock.now())

    @rule(data=st.data())
    def lose(self, data):
        """The province loses a record that we hold acknowledged; a reconciliation finds it out."""
        held = sorted(name for name, state in self.states().items() if state == "ACK")
        if held:
            name = data.draw(st.sampled_from(held))
            self.stored.discard(name)
            assert finals.send_again(self.work, [(*name, name[1])]) == 1

    @rule(span=MOMENTS)
    def time_passes(self, span):
        clock.advance(span)

    @rule()
    def archive(self):
        finals.move(steps=None, is_worth=0)

    def states(self):
        columns = ["record", "record_key", "version", "state"]
        rows = self.work.execute(
            f"select {', '.join(columns)} from {history.relation(self.work, columns=columns)}"
        ).fetchall()
        found = {row[:3]: row[3] for row in rows}
        assert len(found) == len(rows)
        return found

    @invariant()
    def every_version_is_in_one_state_and_none_is_lost(self):
        known = self.states()
        assert set(known) == self.entered
        sums = {}
        for state in known.values():
            sums[state] = sums.get(state, 0) + 1
        assert settling.by_state() == sums
        for name, state in known.items():
            if state == "ACK":
                assert name in self.stored
            if state in ("NEW", "BLOCKED", "HELD", "REJECTED"):
                assert name not in self.stored
            if state in ("NEW", "BLOCKED", "HELD"):  # the newest only
                assert self.judged[name[:2]][0] == name[2]

    @invariant()
    def every_receipt_is_kept_once(self):
        found = [row["receipt_id"] for case in CASES for row in history.receipts_of_case(self.work, case)]
        assert len(set(found)) == len(found) == self.answered

    def teardown(self):
        """A good day: whatever may go arrives, and what passed and was not refused is there."""
        try:
            for _ in range(40):
                self.read_back()
                for record in RECORDS:
                    for state in ("RETRY", "NEW"):
                        now = clock.now()
                        messages = Queue(self.work, self.kinds[record], state, None, now)._read()
                        settling.mark(messages, [], now)
                        self.stored |= {(record, each.record_key, each.version) for each in messages}
                        self.answered += len(messages)
                        settling.settle([Result(each, answer(0), now) for each in messages])
                clock.advance(timedelta(minutes=10))
            known = self.states()
            assert not {"NEW", "RETRY", "SENT"} & set(known.values())
            for (record, case, version), state in known.items():
                if state == "BLOCKED":
                    assert record != SB and "ACK" not in {
                        known[each] for each in known if each[:2] == (SB, case)
                    }
                assert version < self.judged[(record, case)][0] or state != "SUPERSEDED"
            self.every_receipt_is_kept_once()
        finally:
            self.work.close()


@pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisWarning")
def test_the_outbox_keeps_its_promises_in_whatever_order_things_happen(
    home, ledger_kind, request, monkeypatch
):
    def fresh():
        ledger.forget()
        folder = home / f"machine{next(_NUMBERS)}"
        folder.mkdir()
        monkeypatch.setenv("WANGTING_HOME", str(folder))
        if ledger_kind == "postgresql":
            server, name = request.getfixturevalue("postgres"), f"machine{next(_NUMBERS)}"
            template = request.getfixturevalue("ledger_template")
            server.run(server.url("postgres"), f"CREATE DATABASE {name} TEMPLATE {template}")
            monkeypatch.setenv("WANGTING_LEDGER_URL", server.url(name))
        assert not ledger.rows(select(ledger.outbox))

    monkeypatch.setattr(Outbox, "fresh", staticmethod(fresh))
    run_state_machine_as_test(
        Outbox,
        settings=settings(
            max_examples=12 if ledger_kind == "sqlite" else 4,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    shutil.rmtree(home)
    home.mkdir()
