"""Each rule of the specification, broken alone: both readings must name exactly it."""

from datetime import datetime, timedelta
from typing import Any

import pyarrow.parquet as pq
import pytest

from expectations.compiling import judgements
from expectations.model import Specification
from expectations.second_reading import broken_rules
from tests.expectations import records
from tests.expectations.conftest import gated
from tests.expectations.records import APPLIED, CUT_AT

EARLY, LATE = APPLIED - timedelta(hours=1), CUT_AT + timedelta(seconds=1)
SB, SL, SPCL, BJ, LQDJ = "EX_GDBS_SB", "EX_GDBS_SL", "EX_GDBS_SPCL", "EX_GDBS_BJ", "EX_GDBS_LQDJ"
WSYSL, BJGZ, BJSL = "EX_GDBS_WSYSL", "EX_GDBS_BJGZ", "EX_GDBS_BJSL"
TBCXSQ, TBCXJG = "EX_GDBS_TBCXSQ", "EX_GDBS_TBCXJG"
_UNKNOWN_BEFORE = dict.fromkeys(["ctx_applied_at", "ctx_accepted_at", "ctx_last_approval_at"])
_UNTIDY_ITEM = records.ITEM[:17] + "5" + records.ITEM[18:]

# What is bent, and the rules that must speak; nothing else may.
BROKEN: list[tuple[str, dict[str, Any], set[str]]] = [
    (SB, {"lxrxm": None}, {"C1.required"}),
    (SB, {"lxrxm": ""}, {"C1.required"}),
    (SB, {"lxrxm": "　 \t"}, {"C1.required"}),
    (SB, {"sbxmmc": "无"}, {"C1.required"}),
    (SB, {"sbxmmc": "　无 "}, {"C1.required"}),
    (SB, {"sqrzjhm": "-"}, {"C1.required"}),
    (SB, {"lxrsj": "/"}, {"C1.required"}),
    (SB, {"sbhzh": "1"}, {"C1.required"}),
    (SPCL, {"sprzwdm": "1"}, set()),  # a post may well have the code 1
    (SPCL, {"spyj": "无"}, {"C1.required"}),
    (SL, {"gdblsx": None}, {"C1.required"}),
    (BJ, {"bjsj": None}, {"C1.required"}),
    (SB, {"lxryx": "无"}, set()),  # not mandatory
    (SB, {"sxmc": "项" * 100}, set()),
    (SB, {"sxmc": "项" * 100 + "a"}, {"N1.length"}),
    (SB, {"sxmc": "项" * 98 + "😀"}, set()),
    (SB, {"sxmc": "项" * 98 + "😀a"}, {"N1.length"}),
    (SB, {"bz": "一行\n又一行\t"}, set()),
    (SB, {"bz": "铃\x07"}, {"N1.type"}),
    (SL, {"gdblsx": 100_000_000, "ctx_item_limit": None}, {"N1.type"}),
    (SL, {"xzqhdm": "445100"}, {"N1.type"}),
    (SB, {"tjfs": "7"}, {"N1.code"}),
    (SB, {"tjfs": "1 "}, {"N1.code"}),
    (SB, {"tjfs": None}, set()),
    (LQDJ, {"lqfs": "7"}, {"N1.code"}),
    (LQDJ, {"sxbm": _UNTIDY_ITEM}, {"N2.sxbm", "N2.sblsh_prefix"}),
    (BJ, {"sxbm": "2" + records.ITEM[1:]}, {"N2.sblsh_prefix"}),
    (BJ, {"sblsh": records.ITEM[:19] + "17112000O1"}, {"N2.sblsh_prefix"}),
    (BJ, {"sxbm": None}, {"C1.required"}),
    (SB, {"sbsj": APPLIED - timedelta(days=1)}, {"N2.sblsh_date"}),
    (SB, {"sbbmzzjgdm": "006988566"}, {"N2.sblsh_unit"}),
    (SB, {"sqrzjhm": "445102196001010007"}, {"N3.id_number"}),
    (SB, {"sqrzjhm": "44510219600230000X"}, {"N3.id_number"}),
    (SB, {"sqrzjhm": "440524188001010014"}, set()),
    (SB, {"sqrzjhm": "11010519491231002x"}, set()),
    (SB, {"sqrzjhm": "445102600101001"}, set()),
    (SB, {"sqrzjhm": "445102601301001"}, {"N3.id_number"}),
    (SB, {"lxrsfzjhm": "123"}, {"N3.id_number"}),
    (SB, {"lxrsfzjhm": None}, set()),
    (SB, {"sqrzjlx": "414", "sqrzjhm": "G12345678"}, set()),
    (SB, {"sqrlx": "2", "sqrzjlx": "50", "sqrzjhm": "006988574"}, set()),
    (SB, {"sqrlx": "2", "sqrzjlx": "50", "sqrzjhm": "006988575"}, {"N3.org_code"}),
    (SB, {"sqrlx": "2", "sqrzjlx": "001", "sqrzjhm": "91110000600037341L"}, set()),
    (SB, {"sqrlx": "2", "sqrzjlx": "001", "sqrzjhm": "91110000600037341M"}, {"N3.credit_code"}),
    (SB, {"sqrlx": "2"}, {"N3.certificate_fits"}),
    (SB, {"lxrsj": "0768-2212345"}, {"N3.mobile"}),
    (SB, {"sqrmc": "测试"}, {"N3.test_name"}),
    (SB, {"sqrmc": " Test01"}, {"N3.test_name"}),
    (SB, {"lxrxm": "111"}, {"N3.test_name"}),
    (SB, {"sqrmc": "广东测试技术有限公司"}, set()),
    (SL, {"slbmzzjddm": "006988575"}, {"N3.org_code"}),
    (SB, {"ctx_item_is_known": False, "ctx_item_is_valid": False}, {"N4.item_known", "N4.item_valid"}),
    (SB, {"ctx_item_is_valid": None}, {"N4.item_valid"}),
    (SB, {"ctx_region_is_known": False}, {"N4.region_known"}),
    (SB, {"ctx_region_is_units": False}, {"N4.region_units"}),
    (SB, {"sbsj": datetime(2012, 12, 31, 23, 59, 59)}, {"L1.earliest", "N2.sblsh_date"}),
    (SB, {"sbsj": LATE}, {"L1.future", "N2.sblsh_date"}),
    (BJ, {"bjsj": CUT_AT}, set()),
    (BJ, {"bjsj": LATE}, {"L1.future"}),
    (BJ, {"bjsj": datetime(2013, 1, 1)} | _UNKNOWN_BEFORE, set()),
    (WSYSL, {"yslsj": EARLY}, {"L1.order"}),
    (WSYSL, {"yslztdm": "2"}, {"C3.refusal_reason"}),
    (WSYSL, {"yslztdm": "2", "bslyy": "材料不齐"}, set()),
    (SL, {"slsj": EARLY}, {"L1.order"}),
    (SL, {"slztdm": "2"}, {"C3.refusal_reason"}),
    (SL, {"slztdm": "2", "bslyy": "无"}, {"C3.refusal_reason"}),
    (SL, {"ctx_item_limit": 5}, {"L2.limit_is_catalogues"}),
    (SL, {"gdblsxdw": "Z"}, {"L2.limit_is_catalogues"}),
    (SL, {"ctx_has_pre_acceptance": False}, {"L3.online_without_pre_acceptance"}),
    (SL, {"ctx_has_pre_acceptance": False, "ctx_is_online": False}, set()),
    (SL, {"ctx_has_application": False}, {"C2.has_application"}),
    (SPCL, {"spsj": EARLY}, {"L1.order", "L2.step_order"}),
    (SPCL, {"spsj": APPLIED, "ctx_accepted_at": None}, {"L2.step_order"}),
    (BJGZ, {"bjgzsj": EARLY}, {"L1.order"}),
    (BJSL, {"bjsj": EARLY}, {"L1.order"}),
    (BJSL, {"ctx_has_supplement_notice": False}, {"C2.receipt_has_notice"}),
    (TBCXSQ, {"tbcxksrq": EARLY}, {"L1.order"}),
    (TBCXJG, {"tbcxjsrq": EARLY}, {"L2.special_order"}),
    (TBCXJG, {"ctx_has_special_start": False}, {"C2.result_has_start"}),
    (BJ, {"ctx_has_acceptance": False}, {"C2.closing_has_acceptance"}),
    (BJ, {"bjjgdm": "5", "zfhthyy": "逾期未补正", "ctx_has_acceptance": False, "ctx_has_approval_step": False}, set()),
    (BJ, {"ctx_has_approval_step": False}, {"C2.closing_has_approval"}),
    (BJ, {"ctx_has_approval_step": False, "ctx_item_is_immediate": True}, set()),
    (BJ, {"ctx_has_approval_step": False, "ctx_item_is_immediate": None}, {"C2.closing_has_approval"}),
    (BJ, {"bjjgdm": "7", "ctx_has_approval_step": False, "ctx_is_refused": True}, set()),
    (BJ, {"zjbh": None}, {"C3.licence_details"}),
    (BJ, {"fzgzdw": "无"}, {"C3.licence_details"}),
    (BJ, {"sfje": None}, {"C1.required", "C3.licence_details"}),
    (BJ, {"bjjgdm": "6", "zjbh": None}, set()),
    (BJ, {"bjjgdm": "1"}, {"C3.return_reason"}),
    (BJ, {"ctx_is_refused": True}, {"L3.refused_yet_issued"}),
    (BJ, {"bjsj": EARLY}, {"L1.order"}),
    (LQDJ, {"lqsj": EARLY}, {"L1.order"}),
    (LQDJ, {"ctx_has_closing": False}, {"C2.collection_has_closing"}),
    (LQDJ, {"lqrsfzjhm": "44010"}, {"N3.id_number"}),
    (SB, {"ctx_is_only_application_that_day": False}, {"U1.one_application_a_day"}),
    (SB, {"ctx_is_only_application_that_day": False, "sqrzjlx": "099", "sqrzjhm": "无"}, {"C1.required"}),
    (SB, {"ctx_is_entered_singly": False}, {"L3.bulk_entry"}),
    (SL, {"ctx_systems_agree": False}, {"U1.systems_agree"}),
    (SPCL, {"ctx_versions_are_whole": False}, {"U1.version_gap"}),
    (BJ, {"ctx_item_is_immediate": True, "ctx_immediate_until": APPLIED + timedelta(days=2)}, set()),
    (
        BJ,
        {"ctx_item_is_immediate": True, "ctx_immediate_until": APPLIED + timedelta(hours=47)},
        {"L3.immediate_within_a_day"},
    ),
    (BJ, {"bjjgdm": "5", "zfhthyy": "逾期未补正", "ctx_immediate_until": APPLIED + timedelta(hours=47)}, set()),
]  # fmt: skip


@pytest.fixture(scope="module")
def judged(
    specification: Specification, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, set[str]]]:
    """Reading → record key → rules that spoke, of all the bent records in one batch."""
    batch = tmp_path_factory.mktemp("gate") / "b1"
    for record in specification.exchanged:
        rows = []
        for number, (bent, change, _) in enumerate(BROKEN):
            if bent == record:
                rows.append(
                    records.valid(specification, record, number) | change | {"record_key": f"case-{number}"}
                )
        records.write(specification, record, rows, batch)
    _, verdicts = gated(specification, batch)
    first: dict[str, set[str]] = {}
    for found in pq.read_table(verdicts / "findings.parquet").to_pylist():
        first.setdefault(found["record_key"], set()).add(found["rule_id"])
    second: dict[str, set[str]] = {}
    for record in specification.exchanged:
        for key, rule, _ in broken_rules(specification, record, batch / f"{record.lower()}.parquet"):
            second.setdefault(key, set()).add(rule)
    return {"gate": first, "query": second}


@pytest.mark.parametrize("reading", ["gate", "query"])
@pytest.mark.parametrize(
    "number", range(len(BROKEN)), ids=[f"{record[8:]}-{change}"[:60] for record, change, _ in BROKEN]
)
def test_a_bent_record_breaks_exactly_its_rules(judged, reading, number):
    assert judged[reading].get(f"case-{number}", set()) == BROKEN[number][2]


def test_every_rule_of_the_specification_is_broken_by_some_record_here(specification):
    declared = {
        each.rule_id for record in specification.exchanged for each in judgements(specification, record)
    }
    assert declared == {rule for _, _, rules in BROKEN for rule in rules}
