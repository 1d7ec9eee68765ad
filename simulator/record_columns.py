"""What does each official table hold, column by column? The SQL of every field over a plan `c` and its version `v`."""

from dataclasses import dataclass

from simulator.carriers import PAPER

_HOUSE = "case c.channel when 1 then null else v.hall end"
_IS_PERSON = "c.applicant = 1"
# A spreadsheet does not say which certificate it is: its firms all have the new code.
_IS_PAPER_ID = f"(c.applicant = 2 and f.uses_org_code and c.source not in {PAPER})"
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


# What the additions of 2016 brought: of a window's own code and clerk the platform keeps no note.
_OF_A_WINDOW = {"YWCKDM": "null", "CKFWRYZJHM": "null", "CKFWRYXM": "null"}
_OF_2016 = {
    "SXBBH": "v.version::varchar",
    "SXQXBM": "null",
    "PROJECT_CODE": "null",
    "SBCKDM": "null",
    "CKFWRYZJHM": "null",
    "CKFWRYXM": "null",
    "WSSBQD": "case when c.channel = 1 then ['0', '0', '0', '0', '1', '1', '3', '2', '4', '9'][1 + c.case_id % 10] end",
    "OBTAIN_PAPER_WAY": "null",
    "OBTAIN_DELIVER_WAY": "case c.channel when 0 then '0' when 8 then '1' end",
}


def _with_ids(columns: dict[str, str], later: dict[str, str] | None = None) -> dict[str, str]:
    return {"SBLSH": "c.sblsh", "SXBM": "c.sxbm"} | columns | {"BZ": "null", "BYZD": "null"} | (later or {})


def steps_case(expression: str) -> str:
    """SQL: `expression` with the number of the approval step `s` set in for {0}."""
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
            },
            _OF_2016,
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
            },
            _OF_A_WINDOW,
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
                "SPSJ": steps_case("c.at_sp{0}"),
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
            },
            _OF_A_WINDOW,
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
                "XZQHDM": "case when c.collects_elsewhere then v.city_code else v.region_text end",
            },
            _OF_A_WINDOW,
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
            "CLMC": f"case when s.step = 2 and not {_IS_PERSON} then '营业执照复印件'"
            " else ['申请表', '身份证明复印件', '委托书'][s.step] end",
            "XZQHDM": "v.region_text",
        },
        ("sb",),
        integers=("CLSL",),
        joins="join steps s on s.step <= 1 + c.vid % 2",
    ),
}
