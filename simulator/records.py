"""How does a plan read as records? SQL that words each case in the official fields, before any source's own dialect.

Every record of a case is a row with the official columns and these beside: `_case_id`, `_source` (0 platform,
1 bureau, 2 town), `_version` (1, 2, …), `_seen` (when it becomes visible), `_written` (the source's write time),
`_defect` (number of the planted kind or null), `_rules` (rule ids that must fire), `_rules_from` (when so much can be
seen that they do, or null), `_rules_until` (when a late record mends them, or null), `_is_resend` (the row adds nothing
to what is true).

The plain cases are views over the plan; the few with a fault or a correction are tables (`special_…`) that are then
changed. Views with the prefix `happened_` word all cases as they really were.
"""

import duckdb

from simulator import emission, fault_kinds
from simulator.carriers import BUREAU
from simulator.kinds import Kind
from simulator.record_columns import RECORDS, Record, steps_case

_HANDLER = (
    "create or replace macro handler(u, k) as substr('{surnames}', 1 + ((u * 12 + k) % {s})::integer, 1)"
    " || substr('{given}', 1 + ((u * 12 + k) * 7 % {g})::integer, 1) || substr('{given}',"
    " 1 + ((u * 12 + k) * 11 % {g})::integer, 1)"
)


def _slot(record: Record, prefix: str) -> str:
    if record.table == "spcl":
        return steps_case(f"c.{prefix}_sp{{0}}")
    return f"coalesce({', '.join(f'c.{prefix}_{slot}' for slot in record.slots)})"


def _early(record: Record) -> str:
    from simulator.cases import SLOTS

    if record.table == "spcl":
        return f"c.early_slot = {SLOTS.index('sp1')} + case s.step when 1 then 0 else s.step + 1 end"
    return f"c.early_slot in ({', '.join(str(SLOTS.index(slot)) for slot in record.slots)})"


def select(record: Record, plan: str, *, happened: bool = False) -> str:
    """The rows of one record table over a plan table, as really emitted or as it happened."""
    columns = ", ".join(
        f"{sql}::{_duck(record.type_of(name))} as {name}" for name, sql in record.columns.items()
    )
    seen = _slot(record, "at" if happened else "seen")
    written = f"{seen} - to_seconds(case when {_early(record)} then c.early_seconds else 0 end)"
    return (
        f"select {columns}, c.case_id as _case_id, c.source as _source, 1 as _version, {seen} as _seen,"
        f" {written} as _written, nullif(c.defect, -1) as _defect, []::varchar[] as _rules,"
        " c.speaks_from as _rules_from, null::timestamp as _rules_until, false as _is_resend"
        f" from {plan} c join versions v on v.vid = c.vid {record.joins} where {seen} is not null"
    )


def _duck(kind: str) -> str:
    return {"text": "varchar", "numeric(16,2)": "decimal(16,2)"}.get(kind, kind)


def prepare(connection: duckdb.DuckDBPyConnection) -> None:
    """What every select needs: the handlers' names and the numbers of the approval steps."""
    from simulator.population import GIVEN, SURNAMES

    connection.execute(_HANDLER.format(surnames=SURNAMES, given=GIVEN, s=len(SURNAMES), g=len(GIVEN)))
    connection.execute("create or replace table steps as select unnest([1, 2, 3]) as step")


def build(connection: duckdb.DuckDBPyConnection) -> None:
    """Make `all_<table>` and `happened_<table>` over the tables `plan` and `versions`."""
    connection.execute(
        "create or replace table special_plan as select * from plan where defect >= 0 or fix >= 0"
    )
    connection.execute("create or replace view plain_plan as select * from plan where defect < 0 and fix < 0")
    for name, record in RECORDS.items():
        connection.execute(f"create or replace table special_{name} as {select(record, 'special_plan')}")
        connection.execute(
            f"create or replace view happened_{name} as {select(record, 'plan', happened=True)}"
        )
    connection.execute(
        "create or replace table hints as select c.case_id, c.mend_at, n.neighbour as _neighbour,"
        " n.foreign_region as _foreign_region,"
        " c.at_sb as _applied_at, coalesce(c.at_bjgz1, c.at_bjgz2) as _noticed_at, c.at_bj as _closed_at,"
        " c.at_sl as _accepted_at, c.at_sp1 as _first_step_at, c.at_tbsq as _special_started_at"
        " from special_plan c join versions v on v.vid = c.vid join neighbours n on n.unit_number = v.unit_number"
    )
    _spoil(connection)
    _correct(connection)
    for name, record in RECORDS.items():
        connection.execute(
            f"create or replace view all_{name} as {select(record, 'plain_plan')}"
            f" union all by name select * from special_{name}"
        )


def _copy(connection: duckdb.DuckDBPyConnection, table: str, where: str, version: int, seen: str) -> None:
    connection.execute(
        f"insert into special_{table} select r.* replace ({version} as _version, {seen} as _seen, {seen} as _written,"
        f" null as _defect) from special_{table} r join special_plan c on c.case_id = r._case_id"
        f" where r._version = 1 and not r._is_resend and {where}"
    )


def _spoil(connection: duckdb.DuckDBPyConnection) -> None:
    present = {int(n) for (n,) in connection.execute("select distinct defect from special_plan").fetchall()}
    others = connection.execute(
        "select code from versions where is_settled and item_type = '行政许可' and version = 1 order by vid limit 2"
    ).fetchall()
    for number, kind in enumerate(fault_kinds.KINDS):
        if number not in present:
            continue
        hit = [name for name in RECORDS if name not in ("sb", "sbcl")] if kind.hit == "later" else [kind.hit]
        mine = f"_defect = {number} and _version = 1"
        if kind.skips:
            _skip(connection, kind, number)
            continue
        if kind.change:
            where = f"c.defect = {number} and c.mend_at is not null and {kind.where}"
            _copy(connection, kind.record, where, 2, "c.mend_at")
            change = kind.change.format(other=others[0][0], other2=others[1][0])
            connection.execute(
                f"update special_{kind.record} r set {change} from hints h"
                f" where h.case_id = r._case_id and {mine} and {kind.where}"
            )
        context = bool(kind.gap) or kind.hit != kind.record
        for table, broken in [*((table, kind.rules) for table in hit), *kind.also]:
            narrowed = kind.where if table == kind.record else "true"
            until = "h.mend_at" if context or table != kind.record else "null::timestamp"
            connection.execute(
                f"update special_{table} r set _rules = {_listed(broken)}, _rules_until = {until} from hints h"
                f" where h.case_id = r._case_id and {mine} and {narrowed}"
            )
        if kind.name == "reported_by_two_systems":
            # The bureau's own row of the same case, in the bureau's words; the platform is the system that counts.
            connection.execute(
                f"insert into special_sb select * replace ({BUREAU} as _source, true as _is_resend)"
                f" from special_sb where {mine} and not _is_resend"
            )
        if kind.name == "row_sent_twice":
            connection.execute(
                "insert into special_sb select * replace (_seen + interval 25 minute as _seen,"
                " _seen + interval 25 minute as _written, true as _is_resend)"
                f" from special_sb where {mine} and not _is_resend"
            )


def _listed(rules: tuple[str, ...]) -> str:
    return "[" + ", ".join(f"'{rule}'" for rule in rules) + "]::varchar[]"


def _skip(connection: duckdb.DuckDBPyConnection, kind: Kind, number: int) -> None:
    """The record comes once more, under a version number that leaves some out."""
    later = "_seen + interval 35 minute"
    connection.execute(
        f"insert into special_{kind.record} select * replace ({kind.skips} as _version, {later} as _seen,"
        f" {later} as _written, {_listed(kind.rules)} as _rules) from special_{kind.record}"
        f" where _defect = {number} and _version = 1 and not _is_resend and {kind.where}"
    )
    connection.execute(
        f"update special_{kind.record} set {kind.change} where _defect = {number} and _version = {kind.skips}"
    )


_FIX_TRUE = {
    # table, what the first version had wrong
    "mobile": ("sb", "LXRSJ = '139' || right(LXRSJ, 8)"),
    "mobile_back": ("sb", ""),
    "channel": ("sb", "TJFS = '0'"),
    "item_name": ("sb", "SXMC = SXMC || '（试行）'"),
    "licence_no": ("bj", "ZJBH = replace(ZJBH, '第', '字第')"),
    "result": (
        "bj",
        "BJJGDM = '6', BJJGMS = '已办结', ZJGZMC = null, ZJBH = null, ZJYXQX = null, FZGZDW = null, XKYF = null",
    ),
}


def _correct(connection: duckdb.DuckDBPyConnection) -> None:
    for number, name in enumerate(emission.FIXES):
        table, wrong = _FIX_TRUE[name]
        _copy(connection, table, f"c.fix = {number}", 2, "c.fix_at")
        if name == "mobile_back":  # right, wrong, right again: the third version equals the first
            _copy(connection, table, f"c.fix = {number}", 3, "c.fix2_at")
            wrong, version = "LXRSJ = '139' || right(LXRSJ, 8)", 2
        else:
            version = 1
        connection.execute(
            f"update special_{table} r set {wrong} from special_plan c"
            f" where c.case_id = r._case_id and c.fix = {number} and r._version = {version}"
        )
