"""How does a plan read as records? SQL that words each case in the official fields, before any source's own dialect.

Every record of a case is a row with the official columns and these beside: `_case_id`, `_source` (0 platform,
1 bureau, 2 town), `_version` (1, 2, …), `_seen` (when it becomes visible), `_written` (the source's write time),
`_defect` (number of the planted kind or null), `_rules` (rule ids that must fire), `_rules_until` (when a late
record mends them, or null), `_is_resend`.

The plain cases are views over the plan; the few with a fault or a correction are tables (`special_…`) that are then
changed. Views with the prefix `happened_` word all cases as they really were.
"""

from dataclasses import dataclass

import duckdb

from simulator import defects, emission

_HANDLER = (
    "create or replace macro handler(u, k) as substr('{surnames}', 1 + ((u * 12 + k) % {s})::integer, 1)"
    " || substr('{given}', 1 + ((u * 12 + k) * 7 % {g})::integer, 1) || substr('{given}',"
    " 1 + ((u * 12 + k) * 11 % {g})::integer, 1)"
)
_HOUSE = "case c.channel when 1 then null else v.hall end"
_IS_PERSON = "c.applicant = 1"
# A spreadsheet does not say which certificate it is: its firms all have the new code.
_IS_PAPER_ID = "(c.applicant = 2 and f.uses_org_code and c.source <> 2)"
_ID_NO = (
    f"case when {_IS_PERSON} then p.id_no when {_IS_PAPER_ID} then f.org_code"
    " when c.applicant = 9 then f.social_code else f.credit_code end"
)
_NAME = f"case when {_IS_PERSON} then p.name when c.applicant = 9 then f.social_name else f.name end"
_ID_KIND = f"case when {_IS_PERSON} then '111' when {_IS_PAPER_ID} then '50' else '001' end"
_CONTACT = f"case when {_IS_PERSON} then p.{{0}} else k.{{0}} end"
_LICENCE = "case when c.result = 0 then {0} end"
_LICENCE_NO = (
    "'潮许' || strftime(c.at_bj, '%Y') || v.unit_code || '第' || lpad(c.case_id::varchar, 9, '0') || '号'"
)
_REASON = (
    "case when c.result = 1 then '申请材料与事实不符' when c.result = 2 then '重复申请，予以作废'"
    " when c.result = 3 then '录入有误，予以删除' when c.result = 5 then '逾期未补正申请材料' end"
)
_PEOPLE = "join persons p on p.pid = c.pid join persons k on k.pid = c.cid join firms f on f.eid = c.eid"
_MATERIALS = "'申请表;' || v.name || '申请材料;身份证明复印件'"


@dataclass(frozen=True)
class Record:
    """One table of the platform: its official record, key and the SQL of each column, in the specification's order."""

    table: str
    record: str
    key: tuple[str, ...]
    at: str
    columns: dict[str, str]
    slots: tuple[str, ...]
    integers: tuple[str, ...] = ()
    times: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    joins: str = ""

    def type_of(self, column: str) -> str:
        """The column's type in PostgreSQL."""
        if column in self.integers:
            return "integer"
        if column in self.times:
            return "timestamp"
        return "numeric(16,2)" if column in self.numbers else "text"


def _with_ids(columns: dict[str, str]) -> dict[str, str]:
    return {"SBLSH": "c.sblsh", "SXBM": "c.sxbm"} | columns | {"BZ": "null", "BYZD": "null"}


def _steps(expression: str) -> str:
    return " ".join(["case s.step", *(f"when {n} then {expression.format(n)}" for n in (1, 2, 3)), "end"])


RECORDS: dict[str, Record] = {
    "sb": Record(
        "sb",
        "EX_GDBS_SB",
        ("SBLSH",),
        "SBSJ",
        _with_ids(
            {
                "SXMC": "v.name",
                "FSXBM": "v.parent_code",
                "FSXMC": "v.parent_name",
                "SQRLX": "c.applicant::varchar",
                "SQRMC": _NAME,
                "SQRZJLX": _ID_KIND,
                "SQRZJHM": _ID_NO,
                "LXRXM": _CONTACT.format("name"),
                "LXRZJLX": "'111'",
                "LXRSFZJHM": _CONTACT.format("id_no"),
                "LXRSJ": _CONTACT.format("mobile"),
                "LXRYX": "null",
                "SBXMMC": f"{_NAME} || '申办' || v.name",
                "SBCLQD": _MATERIALS,
                "TJFS": "c.channel::varchar",
                "SBHZH": "c.sblsh",
                "SBSJ": "c.at_sb",
                "SBJTWD": _HOUSE,
                "XZQHDM": "v.region_text",
                "SBBMZZJGDM": "v.unit_code",
                "YSBLSH": "c.origin_no",
                "USERIDCODE": f"case when c.channel = 1 then {_CONTACT.format('account_id')} end",
                "QDFS": "case when c.channel = 1 then (c.case_id % 4)::varchar end",
            }
        ),
        ("sb",),
        times=("SBSJ",),
        joins=_PEOPLE,
    ),
    "wsysl": Record(
        "wsysl",
        "EX_GDBS_WSYSL",
        ("SBLSH",),
        "YSLSJ",
        _with_ids(
            {
                "YWLSH": "'YS' || c.case_id::varchar",
                "YSLBMMC": "v.unit_name",
                "YSLBMZZJGDM": "v.unit_code",
                "XZQHDM": "v.region_text",
                "BLRXM": "handler(v.unit_number, c.case_id % 4)",
                "BLRGH": "'G' || lpad((v.unit_number * 12 + c.case_id % 4)::varchar, 5, '0')",
                "YSLZTDM": "c.pre_status::varchar",
                "BSLYY": "case when c.pre_status = 2 then '不属于本部门受理范围' end",
                "BJBZSM": "case when c.pre_status = 3 then '请补齐身份证明材料' end",
                "YSLSJ": "c.at_wsysl",
                "YSLJTDD": "'网上'",
            }
        ),
        ("wsysl",),
        times=("YSLSJ",),
    ),
    "sl": Record(
        "sl",
        "EX_GDBS_SL",
        ("SBLSH",),
        "SLSJ",
        _with_ids(
            {
                "YWLSH": "'SL' || c.case_id::varchar",
                "SLBMMC": "v.unit_name",
                "SLBMZZJDDM": "v.unit_code",
                "XZQHDM": "v.region_text",
                "BLRXM": "handler(v.unit_number, c.case_id % 4)",
                "BLRGH": "'G' || lpad((v.unit_number * 12 + c.case_id % 4)::varchar, 5, '0')",
                "SLZTDM": "case when c.is_refused then '2' else '1' end",
                "BSLYY": "case when c.is_refused then '不符合法定受理条件' end",
                "SLHZH": "'HZ' || c.sblsh",
                "SLSJ": "c.at_sl",
                "GXDXZQHDM": "v.region_text",
                "GDBLSX": "v.promised",
                "GDBLSXDW": "v.promised_unit",
                "GDSF": "'不收费'",
                "SLZLQD": _MATERIALS,
            }
        ),
        ("sl",),
        integers=("GDBLSX",),
        times=("SLSJ",),
    ),
    "spcl": Record(
        "spcl",
        "EX_GDBS_SPCL",
        ("SBLSH", "SPHJDM", "SPSJ"),
        "SPSJ",
        _with_ids(
            {
                "SPHJDM": "s.step::varchar",
                "SPHJMC": "['承办', '审核', '批准'][s.step]",
                "SPBMMC": "v.unit_name",
                "SPBMZZJDMD": "v.unit_code",
                "XZQHDM": "v.region_text",
                "SPRXM": "handler(v.unit_number, s.step * 3 + c.case_id % 2 + 1)",
                "SPRZWDM": "'0' || (400 + s.step)::varchar",
                "SPRZWMC": "['科员', '科长', '副局长'][s.step]",
                "SPYJ": "case when s.step = 3 and c.result in (1, 7) then '不同意，不符合法定条件' else '同意' end",
                "SPSJ": _steps("c.at_sp{0}"),
                "SPHJZTDM": "case when s.step = 3 and c.result in (1, 7) then '2' else '1' end",
                "SPBZH": "s.step",
            }
        ),
        ("sp1", "sp2", "sp3"),
        integers=("SPBZH",),
        times=("SPSJ",),
        joins="cross join steps s",
    ),
    "bjgz": Record(
        "bjgz",
        "EX_GDBS_BJGZ",
        ("SBLSH", "XH"),
        "BJGZSJ",
        _with_ids(
            {
                "BJGZFCRXM": "handler(v.unit_number, c.case_id % 4)",
                "BJGZYY": "'申请材料不齐全，请补正'",
                "BJCLQD": "'身份证明复印件;委托书'",
                "BJGZSJ": "coalesce(c.at_bjgz1, c.at_bjgz2)",
                "XZQHDM": "v.region_text",
                "XH": "1",
                "BZSX": "'15个工作日'",
            }
        ),
        ("bjgz1", "bjgz2"),
        integers=("XH",),
        times=("BJGZSJ",),
    ),
    "bjsl": Record(
        "bjsl",
        "EX_GDBS_BJSL",
        ("SBLSH", "XH"),
        "BJSJ",
        _with_ids(
            {
                "BJSLBLRXM": "handler(v.unit_number, c.case_id % 4)",
                "BJCLQD": "'身份证明复印件;委托书'",
                "BJSJ": "coalesce(c.at_bjsl1, c.at_bjsl2)",
                "XZQHDM": "v.region_text",
                "BJSLJTDD": "case when c.supplement_online = 1 then '网上' else v.hall end",
                "XH": "1",
            }
        ),
        ("bjsl1", "bjsl2"),
        integers=("XH",),
        times=("BJSJ",),
    ),
    "tbcxsq": Record(
        "tbcxsq",
        "EX_GDBS_TBCXSQ",
        ("SBLSH", "XH"),
        "TBCXKSRQ",
        _with_ids(
            {
                "XH": "1",
                "TBCXZL": "case when c.special_kind = 1 then 'A' else 'B' end",
                "TBCXZLMC": "case when c.special_kind = 1 then '延长审批' else '专家评审' end",
                "TBCXKSRQ": "c.at_tbsq",
                "TBCXPZR": "handler(v.unit_number, 11)",
                "TBCXQDLY": "'案情复杂，需进一步核查'",
                "SQNR": "case when c.special_kind = 1 then '申请延长审批时限' else '组织专家评审' end",
                "TBCXSX": "10",
                "TBCXSXDW": "'G'",
                "XZQHDM": "v.region_text",
            }
        ),
        ("tbsq",),
        integers=("XH", "TBCXSX"),
        times=("TBCXKSRQ",),
    ),
    "tbcxjg": Record(
        "tbcxjg",
        "EX_GDBS_TBCXJG",
        ("SBLSH", "XH"),
        "TBCXJSRQ",
        _with_ids(
            {
                "XH": "1",
                "TBCXJG": "case when c.special_kind = 1 then '延长期内完成核查' else '评审通过' end",
                "JGCSRQ": "c.at_tbjg",
                "TBCXJSRQ": "c.at_tbjg",
                "TBCXSFJE": "'0'",
                "JEDWDM": "'CNY'",
                "XZQHDM": "v.region_text",
            }
        ),
        ("tbjg",),
        integers=("XH",),
        times=("JGCSRQ", "TBCXJSRQ"),
    ),
    "bj": Record(
        "bj",
        "EX_GDBS_BJ",
        ("SBLSH",),
        "BJSJ",
        _with_ids(
            {
                "BJBMMC": "v.unit_name",
                "BJBMZZJDDM": "v.unit_code",
                "XZQHDM": "v.region_text",
                "BJJGDM": "case when c.is_denied_by_flag then '6' else c.result::varchar end",
                "BJJGMS": "case c.result when 0 then '准予许可，出证' when 4 then '转报上级部门' when 7 then '不予许可'"
                " when 6 then '已办结' end",
                "ZFHTHYY": _REASON,
                "ZJGZMC": _LICENCE.format("replace(v.name, '许可', '') || '证'"),
                "ZJBH": _LICENCE.format(_LICENCE_NO),
                "ZJYXQX": _LICENCE.format("'五年'"),
                "FZGZDW": _LICENCE.format("v.unit_name"),
                "SFJE": "case when c.case_id % 9 = 0 then 50 else 0 end",
                "JEDWDM": "'CNY'",
                "BJSJ": "c.at_bj",
                "XKYF": "case when c.result = 7 then '1' when c.result = 0 then '0' end",
                "BYXKYY": "case when c.result = 7 then '不符合法定许可条件' end",
            }
        ),
        ("bj",),
        times=("BJSJ",),
        numbers=("SFJE",),
    ),
    "lqdj": Record(
        "lqdj",
        "EX_GDBS_LQDJ",
        ("SBLSH",),
        "LQSJ",
        _with_ids(
            {
                "LQRXM": _CONTACT.format("name"),
                "LQRZJLX": "'111'",
                "LQRSFZJHM": _CONTACT.format("id_no"),
                "LQFS": "c.collection::varchar",
                "LQSJ": "c.at_lqdj",
                "XZQHDM": "case when c.collects_elsewhere then '445100000000' else v.region_text end",
            }
        ),
        ("lqdj",),
        times=("LQSJ",),
        joins=_PEOPLE,
    ),
    "sbcl": Record(
        "sbcl",
        "EX_GDBS_SBCL",
        ("SEQ",),
        "",
        {
            "SEQ": "c.sblsh || '-' || s.step::varchar",
            "SBLSH": "c.sblsh",
            "SXBM": "c.sxbm",
            "WJLX": "case when c.channel = 1 then '1' else '0' end",
            "CLLX": "case when c.channel = 1 then '2' else ['0', '1', '1'][s.step] end",
            "CLSL": "s.step",
            "CLMC": "['申请表', '身份证明复印件', '委托书'][s.step]",
            "XZQHDM": "v.region_text",
        },
        ("sb",),
        integers=("CLSL",),
        joins="join steps s on s.step <= 1 + c.vid % 2",
    ),
}

META = [
    "_case_id",
    "_source",
    "_version",
    "_seen",
    "_written",
    "_defect",
    "_rules",
    "_rules_until",
    "_is_resend",
]


def _slot(record: Record, prefix: str) -> str:
    if record.table == "spcl":
        return _steps(f"c.{prefix}_sp{{0}}")
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
        " null::timestamp as _rules_until, false as _is_resend"
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
        " case when v.region_code like '445122%' then '445103000000' else '445122000000' end as _foreign_region,"
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
    for number, kind in enumerate(defects.KINDS):
        if number not in present:
            continue
        hit = [name for name in RECORDS if name not in ("sb", "sbcl")] if kind.hit == "later" else [kind.hit]
        mine = f"_defect = {number} and _version = 1"
        rules = "[" + ", ".join(f"'{rule}'" for rule in kind.rules) + "]::varchar[]"
        if kind.change:
            where = f"c.defect = {number} and c.mend_at is not null and {kind.where}"
            _copy(connection, kind.record, where, 2, "c.mend_at")
            change = kind.change.format(other=others[0][0], other2=others[1][0])
            connection.execute(
                f"update special_{kind.record} r set {change} from hints h"
                f" where h.case_id = r._case_id and {mine} and {kind.where}"
            )
        context = bool(kind.gap) or kind.hit != kind.record
        until = "h.mend_at" if context else "null::timestamp"
        for table in hit:
            narrowed = kind.where if table == kind.record else "true"
            connection.execute(
                f"update special_{table} r set _rules = {rules}, _rules_until = {until} from hints h"
                f" where h.case_id = r._case_id and {mine} and {narrowed}"
            )
        if kind.name == "row_sent_twice":
            connection.execute(
                "insert into special_sb select * replace (_seen + interval 25 minute as _seen,"
                " _seen + interval 25 minute as _written, true as _is_resend)"
                f" from special_sb where {mine} and not _is_resend"
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
