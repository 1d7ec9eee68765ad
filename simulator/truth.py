"""What is true of the city, as it happened and as the sources show it? From the generator's own state only."""

from pathlib import Path

import duckdb

from simulator import carriers, fault_kinds
from simulator.record_columns import RECORDS
from wangting.engine import literal

_SOURCE = str(list(carriers.NAMES)) + "[{} + 1]"
WARNINGS = [
    "N3.org_code",
    "N3.credit_code",
    "N3.certificate_fits",
    "N3.mobile",
    "N4.region_units",
    "L2.limit_is_catalogues",
    "L3.online_without_pre_acceptance",
    "L3.bulk_entry",
    "L3.immediate_within_a_day",
    "U1.one_application_a_day",
    "U1.systems_agree",
]
# Told of, and no more than that: a record with nothing else has passed.
NOTES = ["U1.version_gap"]
FILES = ("cases_as_emitted", "cases_as_happened", "records", "defects")


def latest_views(connection: duckdb.DuckDBPyConnection, until: str) -> None:
    """Make `latest_<table>`: the newest version of each record that is visible at `until` (an SQL timestamp)."""
    for name, record in RECORDS.items():
        keys = "_case_id, SPHJDM" if name == "spcl" else "_case_id"
        if name == "sbcl":
            continue
        connection.execute(f"""
            create or replace view latest_{name} as
            select a.* from all_{name} a left join
                (select {keys}, max(_version) as _newest from special_{name}
                 where _seen <= {until} and not _is_resend group by all) s using ({keys})
            where a._seen <= {until} and not a._is_resend and a._version = coalesce(s._newest, 1)""")
        del record


def case_rows(prefix: str, until: str) -> str:
    """SQL: one row a case that has an application in `<prefix>_sb` at `until`, with every flag of the truth."""
    seen = {
        name: f"(select * from {prefix}_{name} where _seen <= {until})"
        for name in ("sl", "bj", "bjsl", "lqdj")
    }
    known = "('0', '1', '8')"
    unknown_item = fault_kinds.NUMBER["item_not_in_catalogue"]
    spoilt = f"coalesce(sb._defect, -1) in ({unknown_item}, {fault_kinds.NUMBER['item_abolished']})"
    lost = f"coalesce(c.defect, -1) = {unknown_item}"
    return f"""
        with joined as (
            select c.sblsh as case_no, {_SOURCE.format("c.source")} as source, sb.SXBM as item_code,
                sb.SBBMZZJGDM as unit_code, rpad(sb.XZQHDM, 12, '0') as region_code, v.level_code,
                case when {lost} then null when v.item_type = '行政许可' then 'licence' else 'public_service' end
                    as subject,
                case when not {lost} then v.person_theme end as person_theme_code,
                case when not {lost} then v.legal_theme end as legal_theme_code,
                case when not {lost} then v.special_theme end as special_theme_code, sb.SQRLX as applicant_type,
                case when sb.TJFS in {known} then sb.TJFS else 'unknown' end as channel,
                sb.YSBLSH as origin_case_no, sb.SBSJ as applied_at,
                sb.SQRZJHM as applicant_id_no, sb.SQRMC as applicant_name,
                case when sl.SLZTDM = '1' then sl.SLSJ end as accepted_at,
                coalesce(sl.SLZTDM = '2', false) as acceptance_refused, bj.BJSJ as closed_at,
                case when bj.XKYF = '1' then '7' else bj.BJJGDM end as result, bj.ZJGZMC as licence_name,
                v.is_full_online and not ({spoilt}) as is_full_online_declared,
                lq.LQFS as collected_by,
                len(list_distinct([
                    case when sb.TJFS = '0' then strftime(sb.SBSJ, '%Y%m%d') || rpad(sb.XZQHDM, 12, '0') end,
                    case when bs.BJSLJTDD <> '网上' then strftime(bs.BJSJ, '%Y%m%d') || rpad(bs.XZQHDM, 12, '0') end,
                    case when lq.LQFS = '0' then strftime(lq.LQSJ, '%Y%m%d') || rpad(lq.XZQHDM, 12, '0') end
                ])) as visits
            from (select * from {prefix}_sb where _seen <= {until}) sb
            join plan c on c.case_id = sb._case_id join versions v on v.vid = c.vid
            left join {seen["sl"]} sl on sl._case_id = sb._case_id
            left join {seen["bj"]} bj on bj._case_id = sb._case_id
            left join {seen["bjsl"]} bs on bs._case_id = sb._case_id
            left join {seen["lqdj"]} lq on lq._case_id = sb._case_id),
        counted as (
            select *,
                accepted_at is not null and closed_at is not null
                    and result in ('0', '1', '4', '5', '6', '7') as is_business_volume,
                coalesce(result = '5', false) as is_supplement_abandoned,
                channel = '1' as is_applied_online,
                case when channel = 'unknown' then null
                     when result = '0' and coalesce(collected_by, '') not in {known} then null
                     else visits end::integer as visit_count
            from joined)
        select case_no, source, item_code, unit_code, region_code, level_code, subject, person_theme_code,
            legal_theme_code, special_theme_code, applicant_type, channel, origin_case_no, applied_at,
            applicant_id_no, applicant_name, accepted_at, acceptance_refused, closed_at, result, licence_name,
            is_business_volume, is_supplement_abandoned, is_applied_online,
            is_full_online_declared,
            is_business_volume and is_applied_online and is_full_online_declared as is_closed_online,
            visit_count,
            is_business_volume and is_applied_online and coalesce(visit_count <= 1, false) as is_closed_online_measured
        from counted"""


def _kind_names() -> str:
    return "[" + ", ".join(f"'{kind.name}'" for kind in fault_kinds.KINDS) + "]"


def record_rows(until: str) -> str:
    """SQL: one row a record version that is visible at `until`, with what the gate ought to say of it."""
    warned = "[" + ", ".join(f"'{rule}'" for rule in [*WARNINGS, *NOTES]) + "]"
    noted = "[" + ", ".join(f"'{rule}'" for rule in NOTES) + "]"
    parts = []
    for name, record in RECORDS.items():
        if name == "sbcl":
            continue
        keys = ", ".join(
            f"strftime({column}, '%Y-%m-%d %H:%M:%S')" if column in record.times else f"{column}::varchar"
            for column in record.key
        )
        silent = [
            str(n) for n, kind in enumerate(fault_kinds.KINDS) if not kind.rules and kind.record == name
        ] or ["-1"]
        common = (
            f"'{record.record}' as record, concat_ws('|', {keys}) as record_key, SBLSH as case_no, _source,"
            f" _version, case when year({record.at}) <= 9999 then {record.at} end as business_time, _seen"
        )
        parts.append(
            f"select {common}, null::bigint as _defect, []::varchar[] as rules, true as is_latest from all_{name}"
            f" semi join plain_plan on plain_plan.case_id = _case_id where _seen <= {until}"
        )
        same = "SBLSH, SPHJDM" if name == "spcl" else "SBLSH"
        parts.append(
            f"select {common}, case when len(_rules) > 0 or (_version = 1 and _defect in ({', '.join(silent)}))"
            f" then _defect end, case when _rules_until <= {until} or _rules_from > {until} then [] else _rules end,"
            f" _version = max(_version) over (partition by {same})"
            f" from special_{name} where _seen <= {until} and not _is_resend"
        )
    return f"""
        select record, record_key, case_no, {_SOURCE.format("_source")} as source, _version as source_version,
            business_time, _seen as emitted_at, {_kind_names()}[_defect + 1] as defect,
            case when len(list_filter(rules, r -> not list_contains({noted}, r))) = 0 then 'passed'
                 when len(list_filter(rules, r -> not list_contains({warned}, r))) > 0
                 then 'held' else 'warned' end as expected_outcome,
            rules as expected_rules, is_latest
        from ({" union all ".join(parts)})"""


def defect_rows(until: str) -> str:
    """SQL: one row a record on which a planted fault shows by `until`."""
    parts = []
    for number, kind in enumerate(fault_kinds.KINDS):
        hits = [name for name in RECORDS if name not in ("sb", "sbcl")] if kind.hit == "later" else [kind.hit]
        for name in hits:
            record = RECORDS[name]
            keys = ", ".join(
                f"strftime({column}, '%Y-%m-%d %H:%M:%S')" if column in record.times else f"{column}::varchar"
                for column in record.key
            )
            rules = "[" + ", ".join(f"'{rule}'" for rule in kind.rules) + "]::varchar[]"
            shows = "len(_rules) > 0" if kind.rules else "true"
            parts.append(
                f"select '{kind.name}' as defect_kind, '{record.record}' as record,"
                f" concat_ws('|', {keys}) as record_key, SBLSH as case_no,"
                f" {repr(kind.rules[0]) if kind.rules else 'null'}::varchar as rule_id, {rules} as expected_rules,"
                f" {str(kind.gate_sees).lower()} as gate_sees, _seen as emitted_at,"
                f" case when c.mend_at <= {until} then c.mend_at end as mended_at"
                f" from special_{name} join (select case_id, mend_at from special_plan) c on c.case_id = _case_id"
                f" where _defect = {number} and _version = {kind.skips or 1} and not _is_resend and {shows}"
                f" and greatest(_seen, _rules_from) <= {until}"
            )
    return " union all ".join(parts)


def merge(connection: duckdb.DuckDBPyConnection, folder: Path, name: str, rows: str) -> None:
    """Replace the rows of the plan's cases in one truth file by `rows`; all other rows stay."""
    path, draft = folder / f"{name}.parquet", folder / f"{name}.parquet.new"
    old = f"select * from read_parquet({literal(path)}) where case_no not in (select sblsh from plan) union all by name"
    connection.execute(
        f"copy ({old} {rows_as_query(rows)}) to {literal(draft)} (format parquet, compression zstd)"
    )
    draft.replace(path)


def rows_as_query(rows: str) -> str:
    """A query that may stand after a union although it begins with its own WITH."""
    return f"select * from ({rows})"
