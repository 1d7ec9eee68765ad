"""The Data Docs of a batch that did not wholly pass: one page of Great Expectations, made from the stored evidence.

Great Expectations' own site is of no use here: its pages fetch styles, scripts and pictures from five hosts of the
internet, and its list of results is drawn by such a script. An office without the internet would see bare text, and a
page about people's affairs has no business with other people's hosts. So its renderers make the document and its
templates the page, inside a frame of our own that fetches nothing.

Everything shown is from `verdicts/<batch>`: values were masked before they were stored there.
"""

import json
import os
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from pathlib import Path

import duckdb

from expectations.model import Specification
from wangting import at_rest, engine
from wangting.errors import WangtingError

EXAMPLES = 10  # records shown a rule and field; the counts are of all
PAGE = Path("documents") / "index.html"
# What the commonest errors of a check that could not run mean to a person.
ERRORS = {"KeyError": "缺少所需的列", "MemoryError": "内存不足", "ArrowMemoryError": "内存不足"}


@dataclass(frozen=True)
class Finding:
    """What one rule says of one field of one record type in a batch.

    Attributes:
        severity: block, warn, info, or unchecked: the check could not run.
        count: how many records it is true of.
        examples: some of them: record key, case number, version, unit, masked value.
        error: the kind of error of a check that could not run.
    """

    record: str
    rule_id: str
    field: str
    severity: str
    count: int
    examples: list[list[str | None]] = dataclass_field(default_factory=list)
    rule_version: str | None = None
    error: str | None = None


def make(verdict_folder: Path, specification: Specification) -> Path | None:
    """Make the page of a judged batch, in the place of an earlier one; returns where it is.

    None where every record was judged and none is held: there is nothing to show then.

    Raises:
        WangtingError: the evidence cannot be read.
    """
    try:
        with engine.connect() as work:
            outcomes = _outcomes(work, verdict_folder, specification)
            if not any(counts.get("held") or counts.get("unchecked") for counts in outcomes.values()):
                return None
            found = _found(work, verdict_folder)
    except duckdb.Error as error:
        raise WangtingError(
            "判定结果无法读取", place=str(verdict_folder), mend="从备份恢复，或重新判定该批次"
        ) from error
    from expectations.pages import Page

    page = Page(verdict_folder.name, specification, outcomes)
    for finding in (*_not_run(verdict_folder), *found):
        page.add(finding)
    target = verdict_folder / PAGE
    target.parent.mkdir(mode=0o700, exist_ok=True)
    draft = target.with_suffix(".draft")
    with os.fdopen(
        os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8"
    ) as file:
        file.write(page.html())
    draft.replace(target)
    return target


def _outcomes(
    work: duckdb.DuckDBPyConnection, folder: Path, specification: Specification
) -> dict[str, dict[str, int]]:
    """Record type → outcome → records."""
    found = {}
    for record in specification.exchanged:
        file = folder / f"{record.lower()}.parquet"
        if file.is_file():
            counts = f"select outcome, count(*) from {at_rest.reading([file])} group by outcome"
            found[record] = {str(name): int(count) for name, count in work.execute(counts).fetchall()}
    return found


def _found(work: duckdb.DuckDBPyConnection, folder: Path) -> list[Finding]:
    """One finding a record type, rule and field, the gravest first, with the first records by key as examples."""
    example = "[coalesce(record_key, ''), case_no, version::varchar, unit_code, masked_value]"
    rows = work.execute(f"""
        select
            record, rule_id, field, severity, count(*) as n,
            min_by({example}, coalesce(record_key, '') || '|' || version::varchar, {EXAMPLES}) as examples,
            any_value(rule_version) as rule_version
        from {at_rest.reading([folder / "findings.parquet"])}
        group by record, rule_id, field, severity
        order by record, severity = 'block' desc, severity, n desc, rule_id, field
    """).fetchall()
    return [
        Finding(record, rule_id, field, severity, count, examples, version)
        for record, rule_id, field, severity, count, examples, version in rows
    ]


def _not_run(folder: Path) -> list[Finding]:
    """One a check that could not run."""
    file = folder / "alarms.json"
    if not file.is_file():
        return []
    told = json.loads(file.read_text("utf-8"))
    return [
        Finding(
            each["record"], each["rule_id"], each["field"], "unchecked", each["rows"], error=each["error"]
        )
        for each in told
    ]
