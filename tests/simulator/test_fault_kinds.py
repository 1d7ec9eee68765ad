"""Whether the simulator plants a fault for every rule that the specification has."""

from datetime import date

import pytest

from expectations.compiling import judgements
from expectations.loading import load_specification
from simulator import truth
from simulator.fault_kinds import KINDS
from simulator.record_columns import RECORDS

SPECIFICATION = load_specification(on=date(2017, 11, 30), override=None)
SEVERITY = {
    (record, each.rule_id): each.severity
    for record in SPECIFICATION.exchanged
    for each in judgements(SPECIFICATION, record)
}
# Rules that a record type has and that are planted on others only, each with its reason.
ELSEWHERE = {
    ("EX_GDBS_SB", "N2.sxbm"): "an application's item code is its case's item, and so which metrics it is in",
    ("EX_GDBS_SB", "N2.sblsh_prefix"): "the same",
}
_ONE_SYSTEM = "only the application of a case stands in a second system"


def planted():
    """(record type, rule id) of everything that a kind says must fire."""
    found = set()
    for kind in KINDS:
        tables = (
            [name for name in RECORDS if name not in ("sb", "sbcl")] if kind.hit == "later" else [kind.hit]
        )
        for table, rules in [*((table, kind.rules) for table in tables), *kind.also]:
            found |= {(RECORDS[table].record, rule) for rule in rules}
    return found


def test_every_rule_is_planted_on_some_record():
    assert {rule for _, rule in planted()} == {rule for _, rule in SEVERITY}


def test_every_rule_of_every_record_type_is_planted_on_it_or_has_a_reason_why_not():
    missing = set(SEVERITY) - planted() - set(ELSEWHERE)
    assert {rule for _, rule in missing} <= {"U1.systems_agree"}, sorted(missing)
    assert len(missing) == 9, _ONE_SYSTEM


def test_no_kind_promises_a_rule_that_its_record_type_does_not_have():
    assert planted() - set(SEVERITY) == set()


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.change], ids=lambda kind: kind.name)
def test_a_kind_changes_columns_that_its_table_has(kind):
    columns = set(RECORDS[kind.record].columns)
    assert {part.split(" = ")[0].strip() for part in kind.change.split(", ") if " = " in part} & columns


def test_the_truth_knows_what_only_warns_and_what_is_only_noted():
    by_severity = {
        level: {rule for (_, rule), severity in SEVERITY.items() if severity == level}
        for level in ("warn", "info")
    }
    assert by_severity == {"warn": set(truth.WARNINGS), "info": set(truth.NOTES)}
