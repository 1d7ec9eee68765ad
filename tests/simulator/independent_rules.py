"""An independent reading of the specification's rules, as SQL over the generator's worded records.

Nothing of the gate and nothing of the planting is used: each rule is written here once more, from its sentence.
"""

import duckdb
from stdnum.cn import ric, uscc


def _org_code_is_valid(code: str) -> bool:
    if len(code) != 9 or not code[:8].isalnum():
        return False
    total = sum(int(char, 36) * weight for char, weight in zip(code, (3, 7, 9, 10, 5, 8, 4, 2), strict=False))
    rest = (11 - total % 11) % 11
    return code[8] == ("X" if rest == 10 else str(rest))


def _person_is_valid(number: str) -> bool:
    if len(number) == 15:
        number = number[:6] + "19" + number[6:]
        number += ric.calc_check_digit(number + "0")
    try:
        return bool(ric.is_valid(number))
    except KeyError:  # the library's own: it is also asked about firms' codes, whose row is then not judged
        return False


def _gbk_bytes(text: str) -> int:
    """Beyond GBK there are the four-byte characters of GB 18030."""
    return sum(len(char.encode("gb18030")) for char in text)


def prepare(connection: duckdb.DuckDBPyConnection) -> None:
    """Register the check-digit functions."""
    connection.create_function("person_ok", _person_is_valid, ["VARCHAR"], "BOOLEAN")
    connection.create_function("credit_ok", lambda code: bool(uscc.is_valid(code)), ["VARCHAR"], "BOOLEAN")
    connection.create_function("gbk_bytes", _gbk_bytes, ["VARCHAR"], "BIGINT")
    connection.create_function("org_ok", _org_code_is_valid, ["VARCHAR"], "BOOLEAN")


REQUIRED = {
    "sb": "SBLSH SXBM SXMC SQRLX SQRMC SQRZJHM LXRXM LXRSJ SBXMMC SBCLQD SBHZH SBSJ XZQHDM SBBMZZJGDM",
    "wsysl": "SBLSH SXBM YSLBMMC YSLBMZZJGDM XZQHDM BLRXM YSLZTDM YSLSJ",
    "sl": "SBLSH SXBM SLBMMC SLBMZZJDDM XZQHDM BLRXM SLZTDM SLHZH SLSJ GDBLSX GDBLSXDW SLZLQD",
    "spcl": "SBLSH SXBM SPHJDM XZQHDM SPRXM SPRZWDM SPRZWMC SPYJ SPSJ",
    "bjgz": "SBLSH SXBM BJGZFCRXM BJGZYY BJCLQD BJGZSJ XH",
    "bjsl": "SBLSH SXBM BJSLBLRXM BJSJ BJSLJTDD XH",
    "tbcxsq": "SBLSH SXBM XH TBCXZL TBCXKSRQ",
    "tbcxjg": "SBLSH SXBM XH TBCXJSRQ",
    "bj": "SBLSH SXBM BJBMZZJDDM XZQHDM BJJGDM SFJE BJSJ",
    "lqdj": "SBLSH SXBM LQSJ",
}
CODED = {"SQRLX", "YSLZTDM", "SLZTDM", "GDBLSXDW", "SPHJDM", "TBCXZL", "BJJGDM", "XH", "GDBLSX", "SFJE"}
BYTES = {
    "sb": {
        "SXMC": 200,
        "SQRMC": 400,
        "LXRXM": 200,
        "LXRSJ": 400,
        "SBXMMC": 2000,
        "SBCLQD": 2000,
        "SBHZH": 50,
    },
    "wsysl": {"YSLBMMC": 400, "BLRXM": 200},
    "sl": {"SLBMMC": 100, "BLRXM": 60, "SLHZH": 100},
    "spcl": {"SPRXM": 60, "SPRZWDM": 5, "SPRZWMC": 50},
    "bjgz": {"BJGZFCRXM": 60, "BZSX": 50},
    "bjsl": {"BJSLBLRXM": 60, "BJSLJTDD": 400},
    "bj": {"BJBMMC": 200, "ZJGZMC": 200, "ZJBH": 100, "ZJYXQX": 30, "FZGZDW": 200},
    "lqdj": {"LQRXM": 200},
}
UNITS = {"wsysl": "YSLBMZZJGDM", "sl": "SLBMZZJDDM", "spcl": "SPBMZZJDMD", "bj": "BJBMZZJDDM"}
# Who a record names: certificate's type, certificate's number.
PEOPLE = {"sb": [("SQRZJLX", "SQRZJHM"), ("LXRZJLX", "LXRSFZJHM")], "lqdj": [("LQRZJLX", "LQRSFZJHM")]}
CONTROL = r"'[\x00-\x08\x0b\x0c\x0e-\x1f]'"
CODES = {
    "sb": {"TJFS": "0 1 8", "SQRLX": "1 2 9", "SQRZJLX": "1 50 111 001", "LXRZJLX": "1 50 111 001"},
    "wsysl": {"YSLZTDM": "1 2 3"},
    "sl": {"SLZTDM": "1 2", "GDBLSXDW": "G Z"},
    "spcl": {"SPHJDM": "1 2 3", "SPHJZTDM": "1 2"},
    "bj": {"BJJGDM": "0 1 2 3 4 5 6 7", "XKYF": "0 1"},
    "lqdj": {"LQFS": "0 1 8"},
    "tbcxsq": {"TBCXZL": "A B", "TBCXSXDW": "G Z"},
}
TIMES = {
    "sb": "SBSJ",
    "wsysl": "YSLSJ",
    "sl": "SLSJ",
    "spcl": "SPSJ",
    "bjgz": "BJGZSJ",
    "bjsl": "BJSJ",
    "tbcxsq": "TBCXKSRQ",
    "tbcxjg": "TBCXJSRQ",
    "bj": "BJSJ",
    "lqdj": "LQSJ",
}


def _conditions(table: str) -> list[tuple[str, str]]:
    """(rule id, SQL that is true where the record breaks it); `r` is the record, the others its context."""
    rules: list[tuple[str, str]] = []
    for field in REQUIRED[table].split():
        rules.append(("C1.required", f"r.{field} is null"))
        if field not in CODED:
            rules.append(("C1.required", f"trim(r.{field}::varchar) in ('', '无', '1', '-', '/')"))
    for field, limit in (BYTES.get(table, {}) | {"BZ": 2000}).items():
        rules.append(("N1.length", f"gbk_bytes(r.{field}) > {limit}"))
    rules.append(("N1.type", f"regexp_matches(r.BZ, {CONTROL})"))
    rules.append(("N1.type", "not regexp_full_match(r.XZQHDM, '[0-9]{6}|[0-9]{12}')"))
    if table in UNITS:
        rules.append(("N3.org_code", f"not org_ok(r.{UNITS[table]})"))
    for kind, number in PEOPLE.get(table, []):
        for code, rule, check in (
            ("111", "N3.id_number", "person_ok"),
            ("50", "N3.org_code", "org_ok"),
            ("001", "N3.credit_code", "credit_ok"),
        ):
            rules.append((rule, f"r.{kind} = '{code}' and not {check}(r.{number})"))
    rules.append(("U1.version_gap", "gaps.SBLSH is not null"))
    for field, codes in CODES.get(table, {}).items():
        known = ", ".join(f"'{code}'" for code in codes.split())
        rules.append(("N1.code", f"r.{field} not in ({known})"))
    rules.append(("N2.sxbm", "not regexp_full_match(r.SXBM, '[0-9]{9}[0-9A-Z]{8}[0-9X]1[34][0-9]{6}')"))
    rules.append(("N2.sxbm", "not org_ok(substr(r.SXBM, 10, 9))"))
    rules.append(("N2.sblsh_prefix", "left(r.SBLSH, 19) <> left(r.SXBM, 19)"))
    time = f"r.{TIMES[table]}"
    rules.append(("L1.future", f"{time} > cast(getvariable('until') as timestamp)"))
    rules.append(("L1.earliest", f"{time} < timestamp '2013-01-01'"))
    if table != "sb":
        rules.append(("C2.has_application", "sb.SBLSH is null"))
    own: dict[str, list[tuple[str, str]]] = {
        "sb": [
            ("N2.sblsh_date", "strftime(r.SBSJ, '%y%m%d') <> substr(r.SBLSH, 20, 6)"),
            ("N2.sblsh_unit", "substr(r.SBLSH, 10, 9) <> r.SBBMZZJGDM"),
            ("N3.certificate_fits", "r.SQRLX = '2' and r.SQRZJLX = '111'"),
            ("N3.mobile", "not regexp_full_match(r.LXRSJ, '1[0-9]{10}')"),
            ("N1.type", f"regexp_matches(r.SBXMMC, {CONTROL})"),
            ("N3.test_name", "regexp_matches(lower(r.SQRMC), '测试|^1+$|test')"),
            ("N3.test_name", "regexp_matches(lower(r.LXRXM), '测试|^1+$|test')"),
            (
                "U1.one_application_a_day",
                "(select count(*) from latest_sb o where o.SQRZJHM = r.SQRZJHM and o.SXBM = r.SXBM"
                " and o.SBSJ::date = r.SBSJ::date) > 1",
            ),
            (
                "U1.systems_agree",
                "exists (select 1 from all_sb o where o.SBLSH = r.SBLSH and o._source <> r._source"
                " and o._seen <= cast(getvariable('until') as timestamp))",
            ),
            (
                "L3.bulk_entry",
                "(select count(*) from latest_sb o where o.SBBMZZJGDM = r.SBBMZZJGDM and o.SBSJ = r.SBSJ) >= 10",
            ),
            ("N4.item_known", "r.SXBM not in (select code from versions)"),
            (
                "N4.item_valid",
                "not exists (select 1 from versions v where v.code = r.SXBM and v.valid_from <= r.SBSJ::date"
                " and (v.valid_to is null or v.valid_to > r.SBSJ::date))",
            ),
            ("N4.region_known", "rpad(r.XZQHDM, 12, '0') not in (select region_code from regions)"),
            (
                "N4.region_units",
                "rpad(r.XZQHDM, 12, '0') not in (select region_code from versions v"
                " where v.unit_code = r.SBBMZZJGDM)",
            ),
        ],
        "wsysl": [
            ("L1.order", "r.YSLSJ < sb.SBSJ"),
            ("C3.refusal_reason", "r.YSLZTDM = '2' and r.BSLYY is null"),
        ],
        "sl": [
            ("L1.order", "r.SLSJ < sb.SBSJ or r.SLSJ < ws.YSLSJ"),
            ("N1.type", "r.GDBLSX > 99999999"),
            ("C3.refusal_reason", "r.SLZTDM = '2' and r.BSLYY is null"),
            ("L3.online_without_pre_acceptance", "sb.TJFS = '1' and ws.SBLSH is null"),
            (
                "L2.limit_is_catalogues",
                "exists (select 1 from versions v where v.code = sb.SXBM and v.valid_from <= sb.SBSJ::date and"
                " (v.valid_to is null or v.valid_to > sb.SBSJ::date)"
                " and (v.promised <> r.GDBLSX or v.promised_unit <> r.GDBLSXDW))",
            ),
        ],
        "spcl": [
            ("L1.order", "r.SPSJ < sl.SLSJ"),
            ("L2.step_order", "r.SPSJ < steps.first and r.SPHJDM = '2'"),
            ("L2.step_order", "r.SPSJ < greatest(steps.first, steps.second) and r.SPHJDM = '3'"),
        ],
        "bjgz": [("L1.order", "r.BJGZSJ < sb.SBSJ")],
        "bjsl": [
            ("L1.order", "r.BJSJ < gz.BJGZSJ or r.BJSJ < sb.SBSJ"),
            ("C2.receipt_has_notice", "gz.SBLSH is null"),
        ],
        "tbcxsq": [("L1.order", "r.TBCXKSRQ < sl.SLSJ")],
        "tbcxjg": [
            ("C2.result_has_start", "ts.SBLSH is null"),
            ("L2.special_order", "r.TBCXJSRQ < ts.TBCXKSRQ"),
        ],
        "bj": [
            ("L1.order", "r.BJSJ < sb.SBSJ or r.BJSJ < sl.SLSJ or r.BJSJ < steps.third"),
            ("C2.closing_has_acceptance", "r.BJJGDM <> '5' and sl.SBLSH is null"),
            (
                "C2.closing_has_approval",
                "r.BJJGDM <> '5' and coalesce(sl.SLZTDM, '1') <> '2' and steps.SBLSH is null"
                " and not (select bool_or(v.is_immediate) from versions v where v.code = sb.SXBM)",
            ),
            (
                "C3.licence_details",
                "r.BJJGDM = '0' and (coalesce(r.ZJBH, '无') = '无' or coalesce(r.ZJGZMC, '无') = '无'"
                " or coalesce(r.FZGZDW, '无') = '无' or r.SFJE is null)",
            ),
            ("C3.return_reason", "r.BJJGDM in ('1', '2', '3', '5') and r.ZFHTHYY is null"),
            (
                "L3.immediate_within_a_day",
                "r.BJJGDM <> '5' and r.BJSJ > sl.SLSJ + interval 24 hour and exists (select 1 from versions v"
                " where v.code = sb.SXBM and v.is_immediate and v.valid_from <= sb.SBSJ::date"
                " and (v.valid_to is null or v.valid_to > sb.SBSJ::date))",
            ),
            ("L3.refused_yet_issued", "r.BJJGDM = '0' and sl.SLZTDM = '2'"),
        ],
        "lqdj": [
            ("C2.collection_has_closing", "bj.SBLSH is null"),
            ("L1.order", "r.LQSJ < bj.BJSJ"),
        ],
    }
    return rules + own.get(table, [])


def violations(connection: duckdb.DuckDBPyConnection, until: str) -> set[tuple[str, str, str]]:
    """(table, case number, rule id) of every violation among the newest versions visible at `until`."""
    connection.execute(f"set variable until = '{until}'")
    connection.execute(
        "create or replace temp table step_times as select SBLSH, max(SPSJ) filter (SPHJDM = '1') as first,"
        " max(SPSJ) filter (SPHJDM = '2') as second, max(SPSJ) as third from latest_spcl group by all"
    )
    found: set[tuple[str, str, str]] = set()
    context = " ".join(
        f"left join latest_{table} {alias} on {alias}.SBLSH = r.SBLSH"
        for table, alias in (
            ("sb", "sb"),
            ("wsysl", "ws"),
            ("sl", "sl"),
            ("bj", "bj"),
            ("bjgz", "gz"),
            ("tbcxsq", "ts"),
        )
    )
    for table in REQUIRED:
        step = ", SPHJDM" if table == "spcl" else ""
        connection.execute(
            f"create or replace temp table gaps as select SBLSH{step} from all_{table} where _seen <="
            f" cast(getvariable('until') as timestamp) group by SBLSH{step}"
            " having max(_version) > count(distinct _version)"
        )
        match = "gaps.SBLSH = r.SBLSH" + (" and gaps.SPHJDM = r.SPHJDM" if step else "")
        connection.execute(
            f"create or replace temp table judged as select r.*, {', '.join(_flags(table))} from latest_{table} r"
            f" {context} left join step_times steps on steps.SBLSH = r.SBLSH left join gaps on {match}"
        )
        for number, (rule, _) in enumerate(_conditions(table)):
            rows = connection.execute(f"select SBLSH from judged where _rule{number}").fetchall()
            found.update((table, str(row[0]), rule) for row in rows)
    return found


def _flags(table: str) -> list[str]:
    return [
        f"coalesce({condition}, false) as _rule{n}" for n, (_, condition) in enumerate(_conditions(table))
    ]
