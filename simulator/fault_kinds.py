"""Which kinds of fault can be planted, on which record, and which rule ought to find each?

A value fault is the first version of one record with a wrong value; a mend is the next version with the right one.
A gap is a record that never comes (or, when mended, comes late); the rule then speaks on another record.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from simulator.cases import (
    BJ,
    BJGZ1,
    BJGZ2,
    BJSL1,
    BJSL2,
    BUREAU,
    LQDJ,
    NONE,
    ONLINE,
    PLATFORM,
    SB,
    SL,
    SP1,
    SP2,
    SP3,
    TBJG,
    TBSQ,
    TOWN,
    WINDOW,
    WSYSL,
    Flags,
    Plan,
)
from simulator.items import Catalogue
from simulator.workdays import DAY

Eligible = Callable[[Plan, Catalogue], Flags]


@dataclass(frozen=True)
class Kind:
    """One kind of fault.

    Args:
        name: its id in the truth files.
        record: the table of the record that carries it, as in `records`.
        slot: the stage whose visibility a mend follows.
        rules: the rule ids that must fire, the planted one first; none where the gate cannot see it.
        eligible: which cases of a plan may carry it.
        change: SQL assignments that spoil the first version of the record.
        where: narrows down the record where a table holds several of a case.
        gap: stages whose records are left out; `record` then is the one on which the rule speaks.
        sources: the sources whose cases may carry it.
        is_mended: whether some of them are mended later.
        rarity: higher is chosen first where a case could carry several.
        speaks_on: the table on whose record the rule speaks, where that is not the spoilt one.
    """

    name: str
    record: str
    slot: int
    rules: tuple[str, ...]
    eligible: Eligible
    change: str = ""
    where: str = "true"
    gap: tuple[int, ...] = ()
    sources: tuple[int, ...] = (PLATFORM,)
    is_mended: bool = True
    rarity: float = 1.0
    speaks_on: str = ""

    @property
    def hit(self) -> str:
        """The table whose record the rule speaks on."""
        return self.speaks_on or self.record

    @property
    def gate_sees(self) -> bool:
        """Whether any rule of the specification speaks on it."""
        return bool(self.rules)


def _has(*slots: int) -> Eligible:
    return lambda plan, _: np.all([plan["at"][:, slot] != NONE for slot in slots], axis=0)


def _result(*codes: int, without: tuple[int, ...] = ()) -> Eligible:
    def eligible(plan: Plan, _: Catalogue) -> Flags:
        flags: Flags = np.isin(plan["result"], codes) & ~plan["is_refused"] & (plan["at"][:, BJ] != NONE)
        for slot in without:
            flags &= plan["at"][:, slot] == NONE
        return flags

    return eligible


def _both(*conditions: Eligible) -> Eligible:
    return lambda plan, catalogue: np.all([each(plan, catalogue) for each in conditions], axis=0)


def _column(name: str, *values: int) -> Eligible:
    return lambda plan, _: np.isin(plan[name], values)


def _item(name: str) -> Eligible:
    return lambda plan, catalogue: getattr(catalogue, name)[plan["item"]]


def _not_immediate(plan: Plan, catalogue: Catalogue) -> Flags:
    flags: Flags = ~catalogue.is_immediate[plan["item"]]
    return flags


def _below_the_city(plan: Plan, catalogue: Catalogue) -> Flags:
    flags: Flags = catalogue.level[plan["item"]] > 0
    return flags


def _full_online_with_visits(plan: Plan, catalogue: Catalogue) -> Flags:
    """Online, item declared 全流程, a supplement and a collection on two days."""
    at = plan["at"]
    handed = np.maximum(at[:, BJSL1], at[:, BJSL2])
    flags: Flags = (
        (plan["channel"] == ONLINE)
        & catalogue.is_full[plan["item"]]
        & (handed != NONE)
        & (at[:, LQDJ] != NONE)
        & (handed // DAY != at[:, LQDJ] // DAY)
    )
    return flags


_ALL = (PLATFORM, BUREAU, TOWN)
_DATABASES = (PLATFORM, BUREAU)
_SPOILT_ID = "substr({0}, 1, 17) || case when right({0}, 1) = '5' then '7' else '5' end"
_any = _has(SB)
_stable = _item("is_stable")

KINDS: tuple[Kind, ...] = (
    Kind("missing_mobile", "sb", SB, ("C1.required",), _any, "LXRSJ = null", sources=_ALL),
    Kind("filler_project_name", "sb", SB, ("C1.required",), _any, "SBXMMC = '无'"),
    Kind("missing_closing_time", "bj", BJ, ("C1.required",), _result(6, without=(LQDJ,)), "BJSJ = null"),
    Kind(
        "unreadable_closing_date",
        "bj",
        BJ,
        ("C1.required",),
        _result(6, without=(LQDJ,)),
        "BJSJ = null",
        sources=(TOWN,),
        is_mended=False,
        rarity=9,
    ),
    Kind(
        "application_never_sent",
        "later",
        SB,
        ("C2.has_application",),
        _has(SL, SP1, SP3),
        gap=(SB,),
        rarity=1.5,
    ),
    Kind("closing_without_acceptance", "bj", SL, ("C2.closing_has_acceptance",), _result(0, 6), gap=(SL,)),
    Kind(
        "closing_without_approval",
        "bj",
        SP1,
        ("C2.closing_has_approval",),
        _both(_result(0, 6), _has(SP1), _not_immediate),
        gap=(SP1, SP2, SP3),
    ),
    Kind(
        "special_result_without_start",
        "tbcxjg",
        TBSQ,
        ("C2.result_has_start",),
        _has(TBJG),
        gap=(TBSQ,),
        rarity=9,
    ),
    Kind(
        "receipt_without_notice",
        "bjsl",
        BJGZ1,
        ("C2.receipt_has_notice",),
        _has(BJSL1),
        gap=(BJGZ1,),
        rarity=6,
    ),
    Kind(
        "receipt_without_second_notice",
        "bjsl",
        BJGZ2,
        ("C2.receipt_has_notice",),
        _has(BJSL2),
        gap=(BJGZ2,),
        rarity=5,
    ),
    Kind("collection_without_closing", "lqdj", BJ, ("C2.collection_has_closing",), _has(BJ, LQDJ), gap=(BJ,)),
    Kind(
        "missing_licence_number",
        "bj",
        BJ,
        ("C3.licence_details",),
        _result(0),
        "ZJBH = null",
        sources=_DATABASES,
    ),
    Kind(
        "missing_return_reason",
        "bj",
        BJ,
        ("C3.return_reason",),
        _result(1, 2, 3),
        "ZFHTHYY = null",
        sources=_DATABASES,
        rarity=4,
    ),
    Kind(
        "missing_refusal_reason",
        "sl",
        SL,
        ("C3.refusal_reason",),
        lambda plan, _: plan["is_refused"],
        "BSLYY = null",
        rarity=6,
    ),
    Kind("overlong_item_name", "sb", SB, ("N1.length",), _any, "SXMC = repeat(SXMC || '（含附件材料）', 12)"),
    Kind("unknown_channel_code", "sb", SB, ("N1.code",), _column("channel", WINDOW, ONLINE), "TJFS = '7'"),
    Kind("unknown_collection_code", "lqdj", LQDJ, ("N1.code",), _both(_result(0), _has(LQDJ)), "LQFS = '7'"),
    Kind(
        "bad_item_check_digit",
        "lqdj",
        LQDJ,
        ("N2.sxbm", "N2.sblsh_prefix"),
        _has(LQDJ),
        "SXBM = substr(SXBM, 1, 17) || case when substr(SXBM, 18, 1) = '3' then '4' else '3' end || substr(SXBM, 19)",
    ),
    Kind(
        "another_items_code",
        "bj",
        BJ,
        ("N2.sblsh_prefix",),
        _result(0, 6),
        "SXBM = case when SXBM = '{other}' then '{other2}' else '{other}' end",
    ),
    Kind(
        "application_on_another_day",
        "sb",
        SB,
        ("N2.sblsh_date",),
        _stable,
        "SBSJ = SBSJ - interval 1 day",
    ),
    Kind(
        "another_units_application",
        "sb",
        SB,
        ("N2.sblsh_unit",),
        lambda plan, catalogue: catalogue.level[plan["item"]] < 2,
        "SBBMZZJGDM = _neighbour",
    ),
    Kind(
        "bad_id_number",
        "sb",
        SB,
        ("N3.id_number",),
        _column("applicant", 1),
        f"SQRZJHM = {_SPOILT_ID.format('SQRZJHM')}",
        sources=_DATABASES,
    ),
    Kind(
        "bad_org_code",
        "sb",
        SB,
        ("N3.org_code",),
        lambda plan, _: (plan["applicant"] == 2) & (plan["eid"] % 5 == 0),
        "SQRZJHM = substr(SQRZJHM, 1, 8) || case when right(SQRZJHM, 1) = '5' then '7' else '5' end",
        rarity=2,
    ),
    Kind(
        "bad_credit_code",
        "sb",
        SB,
        ("N3.credit_code",),
        lambda plan, _: (plan["applicant"] == 2) & (plan["eid"] % 5 != 0),
        f"SQRZJHM = {_SPOILT_ID.format('SQRZJHM')}",
    ),
    Kind(
        "persons_certificate_for_a_firm",
        "sb",
        SB,
        ("N3.certificate_fits",),
        _column("applicant", 2),
        "SQRZJLX = '111', SQRZJHM = LXRSFZJHM",
    ),
    Kind(
        "not_a_mobile",
        "sb",
        SB,
        ("N3.mobile",),
        _any,
        "LXRSJ = '0768-22' || right(LXRSJ, 5)",
        sources=_DATABASES,
    ),
    Kind("test_name", "sb", SB, ("N3.test_name",), _any, "SQRMC = '测试'", sources=_ALL),
    Kind(
        "item_not_in_catalogue",
        "sb",
        SB,
        ("N4.item_known", "N4.item_valid"),
        _both(_stable, _not_immediate, _has(SP1)),
        is_mended=False,
    ),
    Kind(
        "item_abolished",
        "sb",
        SB,
        ("N4.item_valid",),
        _both(_not_immediate, lambda plan, _: plan["day"] > 17_450),
        is_mended=False,
        rarity=1.5,
    ),
    Kind("region_unknown", "sb", SB, ("N4.region_known", "N4.region_units"), _any, "XZQHDM = '445199000000'"),
    Kind(
        "region_of_another_county",
        "sb",
        SB,
        ("N4.region_units",),
        _below_the_city,
        "XZQHDM = _foreign_region",
    ),
    Kind(
        "closed_before_acceptance",
        "bj",
        BJ,
        ("L1.order",),
        _both(_result(0, 6), _has(SL)),
        "BJSJ = _accepted_at - interval 10 minute",
        sources=_DATABASES,
    ),
    Kind(
        "closed_in_the_future",
        "bj",
        BJ,
        ("L1.future",),
        _result(6, 7, without=(LQDJ,)),
        "BJSJ = BJSJ + interval 400 day",
    ),
    Kind(
        "collected_before_the_hall_opened",
        "lqdj",
        LQDJ,
        ("L1.earliest", "L1.order"),
        _has(BJ, LQDJ),
        "LQSJ = LQSJ - interval 3660 day",
    ),
    Kind(
        "review_before_first_step",
        "spcl",
        SP2,
        ("L2.step_order",),
        lambda plan, _: (
            (plan["at"][:, SP2] != NONE)
            & (plan["at"][:, SP1] - plan["at"][:, SL] > 1_200)
            & (plan["at"][:, TBSQ] == NONE)
        ),
        "SPSJ = _first_step_at - interval 5 minute",
        where="SPHJDM = '2'",
        is_mended=False,
    ),
    Kind(
        "special_ends_before_start",
        "tbcxjg",
        TBJG,
        ("L2.special_order",),
        _has(TBSQ, TBJG),
        "TBCXJSRQ = _special_started_at - interval 1 day",
        rarity=7,
    ),
    Kind(
        "limit_not_the_catalogues",
        "sl",
        SL,
        ("L2.limit_is_catalogues",),
        _both(_has(SL), _stable),
        "GDBLSX = GDBLSX + 10",
    ),
    Kind(
        "refused_yet_licence_issued",
        "sl",
        SL,
        ("L3.refused_yet_issued",),
        _both(_result(0), _has(SL)),
        "SLZTDM = '2', BSLYY = '申请材料不符合法定形式'",
        speaks_on="bj",
    ),
    Kind(
        "online_without_pre_acceptance",
        "sl",
        WSYSL,
        ("L3.online_without_pre_acceptance",),
        _both(_has(WSYSL, SL), _column("pre_status", 1), _column("channel", ONLINE)),
        gap=(WSYSL,),
    ),
    Kind("channel_missing", "sb", SB, (), _any, "TJFS = null", rarity=0.7),
    Kind("row_sent_twice", "sb", SB, (), _any, is_mended=False, rarity=0.7),
    Kind(
        "declared_full_online_yet_visited",
        "sb",
        SB,
        (),
        _full_online_with_visits,
        is_mended=False,
        rarity=8,
    ),
)
NUMBER = {kind.name: number for number, kind in enumerate(KINDS)}
