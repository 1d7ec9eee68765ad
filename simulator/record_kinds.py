"""The faults that any record type can carry: a field missing, too long, unreadable, out of its list, a time out of
place.

What a fault changes must break no other rule and no metric, or what it does break is named beside it: so a time is
moved only where nothing after it depends on it.
"""

from dataclasses import dataclass

from simulator.cases import (
    BJ,
    BJGZ1,
    BJSL1,
    LQDJ,
    SB,
    SL,
    SP1,
    TBJG,
    TBSQ,
    WINDOW,
    WSYSL,
)
from simulator.kinds import (
    Eligible,
    Kind,
    both,
    column,
    handed_in_online,
    has,
    item,
    lacks,
    not_at_a_window,
    not_immediate,
    result,
)


@dataclass(frozen=True)
class _Table:
    """One record table: its stage, who may carry a fault of it, how rare it is, one record of several, and its unit."""

    slot: int
    eligible: Eligible
    rarity: float = 1.0
    where: str = "true"
    unit: str = ""


def _turned_away(status: int) -> Eligible:
    return both(has(WSYSL), column("pre_status", status))


_LATER: dict[str, _Table] = {
    "wsysl": _Table(WSYSL, has(WSYSL), unit="YSLBMZZJGDM"),
    "sl": _Table(SL, has(SL), unit="SLBMZZJDDM"),
    "spcl": _Table(SP1, has(SP1), where="SPHJDM = '1'", unit="SPBMZZJDMD"),
    "bjgz": _Table(BJGZ1, has(BJGZ1), 6),
    "bjsl": _Table(BJSL1, has(BJSL1), 6),
    "tbcxsq": _Table(TBSQ, has(TBSQ), 12),
    "tbcxjg": _Table(TBJG, has(TBJG), 12),
    "bj": _Table(BJ, has(BJ), unit="BJBMZZJDDM"),
    "lqdj": _Table(LQDJ, has(LQDJ)),
}


def _of_any(table: str, about: _Table) -> list[Kind]:
    """What a remark or an item code can have wrong, in every table behind the application's."""
    digit = "case when substr(SXBM, 18, 1) = '3' then '4' else '3' end"
    spoilt = f"SXBM = substr(SXBM, 1, 17) || {digit} || substr(SXBM, 19)"
    other = "SXBM = case when SXBM = '{other}' then '{other2}' else '{other}' end"
    faults = [
        ("overlong_remark", ("N1.length",), "BZ = repeat('备注', 501)"),
        ("control_character", ("N1.type",), "BZ = '见附件' || chr(7)"),
        ("bad_item_code", ("N2.sxbm", "N2.sblsh_prefix"), spoilt),
        ("wrong_item_code", ("N2.sblsh_prefix",), other),
    ]
    if about.unit:
        wrong = f"substr({about.unit}, 1, 8) || case when right({about.unit}, 1) = '5' then '7' else '5' end"
        faults.append(("bad_unit_code", ("N3.org_code",), f"{about.unit} = {wrong}"))
    return [
        Kind(
            f"{name}_in_{table}",
            table,
            about.slot,
            rules,
            about.eligible,
            change,
            where=about.where,
            rarity=0.5 * about.rarity,
        )
        for name, rules, change in faults
    ]


_MISSING: dict[str, tuple[str, Eligible]] = {
    "wsysl": ("BLRXM = null", has(WSYSL)),
    "sl": ("SLZLQD = '-'", has(SL)),
    "spcl": ("SPYJ = '无'", has(SP1)),
    "bjgz": ("BJGZYY = '/'", has(BJGZ1)),
    "bjsl": ("BJSLBLRXM = null", has(BJSL1)),
    "tbcxsq": ("TBCXZL = null", has(TBSQ)),
    "tbcxjg": ("TBCXJSRQ = null", has(TBJG)),
    "lqdj": ("LQSJ = null", both(has(LQDJ), not_at_a_window)),
}
# table → the change, who may carry it, and what it breaks beside N1.code.
_UNKNOWN_CODE: dict[str, tuple[str, Eligible, tuple[str, ...]]] = {
    "wsysl": ("YSLZTDM = '8'", _turned_away(1), ()),
    "sl": ("GDBLSXDW = 'T'", both(has(SL), item("is_stable")), ("L2.limit_is_catalogues",)),
    "spcl": ("SPHJZTDM = '5'", has(SP1), ()),
    "tbcxsq": ("TBCXSXDW = 'X'", has(TBSQ), ()),
    "bj": ("XKYF = '5'", result(6), ()),
}
_FAR = "interval 400 day"
_LONG_AGO = "interval 3660 day"
# table → column of its time, and whose may lie in the future without a later stage to be out of order with.
_FUTURE: dict[str, tuple[str, Eligible, float]] = {
    "wsysl": ("YSLSJ", both(_turned_away(2), lacks(SL)), 4),
    "sl": ("SLSJ", both(has(SL), lacks(SP1, BJ, TBSQ), column("is_refused", 1)), 6),
    "spcl": ("SPSJ", both(has(SP1, TBSQ), lacks(TBJG, BJ)), 30),
    "bjgz": ("BJGZSJ", both(has(BJGZ1), lacks(BJSL1)), 8),
    "bjsl": ("BJSJ", both(has(BJSL1), handed_in_online), 3),
    "tbcxsq": ("TBCXKSRQ", both(has(TBSQ), lacks(TBJG)), 30),
    "tbcxjg": ("TBCXJSRQ", has(TBJG), 4),
    "lqdj": ("LQSJ", both(has(BJ, LQDJ), not_at_a_window), 1),
}
# table → column of its time, who may have it long ago, and what is broken beside L1.earliest.
_EARLIEST: dict[str, tuple[str, Eligible, tuple[str, ...], float]] = {
    "wsysl": ("YSLSJ", has(WSYSL), ("L1.order",), 0.6),
    "sl": ("SLSJ", both(has(SL), not_immediate), ("L1.order",), 0.6),
    "spcl": ("SPSJ", both(has(SL, SP1), not_immediate), ("L1.order",), 0.6),
    "bjgz": ("BJGZSJ", has(BJGZ1), ("L1.order",), 3),
    "bjsl": ("BJSJ", both(has(BJGZ1, BJSL1), handed_in_online), ("L1.order",), 3),
    "tbcxsq": ("TBCXKSRQ", has(SL, TBSQ), ("L1.order",), 4),
    "tbcxjg": ("TBCXJSRQ", has(TBSQ, TBJG), ("L2.special_order",), 4),
    "bj": ("BJSJ", both(result(2, 3, without=(LQDJ,)), has(SL)), ("L1.order",), 6),
}
# table → the time that is put before the one of an earlier stage.
_EARLY: dict[str, tuple[str, Eligible, float]] = {
    "wsysl": ("YSLSJ = _applied_at", has(WSYSL), 0.6),
    "sl": ("SLSJ = _applied_at", both(has(SL), not_immediate), 0.6),
    "spcl": ("SPSJ = _accepted_at", both(has(SL, SP1), not_immediate), 0.6),
    "bjgz": ("BJGZSJ = _applied_at", has(BJGZ1), 3),
    "bjsl": ("BJSJ = _noticed_at", both(has(BJGZ1, BJSL1), handed_in_online), 3),
    "tbcxsq": ("TBCXKSRQ = _accepted_at", has(SL, TBSQ), 4),
    "lqdj": ("LQSJ = _closed_at", both(has(BJ, LQDJ), not_at_a_window), 0.8),
}


def _of_fields() -> list[Kind]:
    kinds = [
        Kind(
            f"missing_field_in_{table}",
            table,
            _LATER[table].slot,
            ("C1.required",),
            eligible,
            change,
            where=_LATER[table].where,
            rarity=0.5 * _LATER[table].rarity,
        )
        for table, (change, eligible) in _MISSING.items()
    ]
    kinds += [
        Kind(
            f"unknown_code_in_{table}",
            table,
            _LATER[table].slot,
            ("N1.code", *beside),
            eligible,
            change,
            where=_LATER[table].where,
            rarity=0.5 * _LATER[table].rarity,
        )
        for table, (change, eligible, beside) in _UNKNOWN_CODE.items()
    ]
    return kinds


def _of_times() -> list[Kind]:
    kinds: list[Kind] = []

    def add(
        name: str, table: str, rules: tuple[str, ...], eligible: Eligible, change: str, rarity: float
    ) -> None:
        # A step is called by its time: with another one it would be another record, so it is never mended.
        about, is_mended = _LATER[table], table != "spcl"
        kinds.append(
            Kind(
                f"{name}_{table}",
                table,
                about.slot,
                rules,
                eligible,
                change,
                about.where,
                rarity=rarity,
                is_mended=is_mended,
            )
        )

    for table, (time, eligible, rarity) in _FUTURE.items():
        add("future", table, ("L1.future",), eligible, f"{time} = {time} + {_FAR}", rarity)
    for table, (time, eligible, beside, rarity) in _EARLIEST.items():
        change = f"{time} = {time} - {_LONG_AGO}"
        add("long_ago", table, ("L1.earliest", *beside), eligible, change, rarity)
    for table, (change, eligible, rarity) in _EARLY.items():
        add("early", table, ("L1.order",), eligible, f"{change} - interval 5 minute", rarity)
    return kinds


_ORG, _CREDIT = "'006988575'", "'91110000600037341M'"  # check digits that are wrong
_OTHERS: tuple[Kind, ...] = (
    Kind("control_character_in_sb", "sb", SB, ("N1.type",), has(SB), "SBXMMC = SBXMMC || chr(11)"),
    Kind("overlong_by_its_emoji", "sb", SB, ("N1.length",), has(SB), "SBXMMC = repeat('潮', 996) || '😀😀😀'"),
    Kind("unknown_applicant_code", "sb", SB, ("N1.code",), has(SB), "SQRZJLX = '333'"),
    Kind("test_contact", "sb", SB, ("N3.test_name",), has(SB), "LXRXM = 'Test01'"),
    Kind("bad_contact_number", "sb", SB, ("N3.id_number",), has(SB), "LXRSFZJHM = '44510219600230000X'"),
    Kind("bad_contact_org_code", "sb", SB, ("N3.org_code",), has(SB), f"LXRZJLX = '50', LXRSFZJHM = {_ORG}"),
    Kind("bad_contact_credit_code", "sb", SB, ("N3.credit_code",), has(SB), f"LXRZJLX = '001', LXRSFZJHM = {_CREDIT}"),
    Kind("bad_collector_number", "lqdj", LQDJ, ("N3.id_number",), has(LQDJ), "LQRSFZJHM = '44510219600230000X'"),
    Kind("bad_collector_org_code", "lqdj", LQDJ, ("N3.org_code",), has(LQDJ), f"LQRZJLX = '50', LQRSFZJHM = {_ORG}"),
    Kind(
        "bad_collector_credit_code",
        "lqdj",
        LQDJ,
        ("N3.credit_code",),
        has(LQDJ),
        f"LQRZJLX = '001', LQRSFZJHM = {_CREDIT}",
    ),
    Kind("region_of_six_signs", "sl", SL, ("N1.type",), has(SL), "XZQHDM = '4451海'"),
    Kind(
        "limit_of_nine_digits",
        "sl",
        SL,
        ("N1.type", "L2.limit_is_catalogues"),
        both(has(SL), item("is_stable")),
        "GDBLSX = 123456789",
    ),
    Kind("missing_issuing_unit", "bj", BJ, ("C3.licence_details",), result(0), "FZGZDW = '无'"),
    Kind("missing_fee", "bj", BJ, ("C1.required", "C3.licence_details"), result(0), "SFJE = null"),
    Kind("missing_refusal_online", "wsysl", WSYSL, ("C3.refusal_reason",), _turned_away(2), "BSLYY = null", rarity=3),
    Kind(
        "applied_in_the_future",
        "sb",
        SB,
        ("L1.future", "N2.sblsh_date"),
        both(has(SB), _turned_away(2), lacks(SL), item("is_stable")),
        f"SBSJ = SBSJ + {_FAR}",
        rarity=4,
        also=(("wsysl", ("L1.order",)),),
    ),
    Kind(
        "applied_long_ago",
        "sb",
        SB,
        ("L1.earliest", "N2.sblsh_date", "N4.item_valid"),
        both(has(SL), item("is_stable"), not_immediate, column("channel", WINDOW)),
        f"SBSJ = SBSJ - {_LONG_AGO}",
    ),
    Kind(
        "closed_in_the_year_20217",
        "bj",
        BJ,
        ("L1.future",),
        both(not_immediate, result(2, 3, without=(LQDJ,))),
        "BJSJ = BJSJ + interval 18200 year",
        rarity=4,
    ),
)  # fmt: skip
_VERSIONS = tuple(
    Kind(
        f"version_skipped_in_{table}",
        table,
        about.slot,
        ("U1.version_gap",),
        about.eligible,
        "BZ = '更正后重报'",
        where=about.where,
        is_mended=False,
        rarity=0.5 * about.rarity,
        skips=4,
    )
    for table, about in _LATER.items()
)
KINDS: tuple[Kind, ...] = (
    *(kind for table, about in _LATER.items() for kind in _of_any(table, about)),
    *_of_fields(),
    *_of_times(),
    *_OTHERS,
    *_VERSIONS,
)
