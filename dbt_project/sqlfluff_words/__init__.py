"""What the models' macros stand for while sqlfluff reads them: shortest SQL of the right kind, one line a macro.

sqlfluff lints how a model is written; that the macros give what they should is for dbt's own tests.
"""

from typing import Any


class _Adapter:
    """dbt's adapter."""

    @staticmethod
    def quote(name: str) -> str:
        return f'"{name}"'

    @staticmethod
    def get_relation(*_: str) -> str:
        return "held_table"


class _Flags:
    """dbt's flags."""

    FULL_REFRESH = False


class _Target:
    """The lane that is built."""

    name = "exchange"


class _This:
    """The model itself."""

    database, schema, identifier = "lane", "main", "this_model"

    def __str__(self) -> str:
        return "this_model"


adapter, flags, target, this = _Adapter(), _Flags(), _Target(), _This()
_KIND = {"record": "EX_GDBS_SB", "key": ["application_no"], "business_time": "applied_at"}
_VARS: dict[str, Any] = {
    "record_kinds": dict.fromkeys((
        "applications", "pre_acceptances", "acceptances", "approval_steps", "closings", "collections",
        "supplement_notices", "supplement_receipts", "special_procedure_starts", "special_procedure_results",
    ), _KIND),
    "staged": {"applications": ["stg_source__applications"]},
    "division": "000000000000",
    "numbered_sources": ["source"],
    "neighbourhoods": ["unit_second"],
    "context_thresholds": {"bulk_entry_cases": 10},
    "site_channels": {"2": "方式"},
    "metric_grains": {
        "case": {
            "name": "办件",
            "counted": "件",
            "fact": "fct_cases",
            "thing": "case_no",
            "period": "flow",
            "month": "closed_month",
            "subjects": ["licence"],
            "scopes": ["city", "unit"],
            "cuts": ["item_code"],
        },
    },
}  # fmt: skip
_DEFINITION = {
    "code": "metric", "variant": "V1", "version": "1", "name": "指标", "grain": "case", "kind": "share",
    "better": "higher", "is_official": True, "target": None, "valid_from": "2017-01-01", "valid_to": None,
    "clause": "条", "prefix": "m1", "population": ["is_a"], "numerator": ["is_b"],
    "unknown": [], "abandoned": [], "notes": "注", "subject": "licence", "only": None, "adds": None,
    "reference": None,
}  # fmt: skip


def ref(name: str) -> str:
    return name


def source(schema: str, table: str) -> str:
    return f"{schema}.{table}"


def config(*_: Any, **__: Any) -> str:
    return ""


def var(name: str, default: Any = None) -> Any:
    return _VARS.get(name, default)


def is_incremental() -> bool:
    return True


def touched(column: str = "application_no", and_: bool = False) -> str:
    return f"{'and' if and_ else 'where'} {column} is not null"


def not_removed(column: str, and_: bool = False) -> str:
    return touched(column, and_)


def staged_rows(
    kind: str, columns: list[list[str]], models: list[str] | None = None, named_by: str | None = None
) -> str:
    return f"select {', '.join(name for name, _ in columns)} from stg_source__{kind}"


def with_its_unit(rows: str, case_no: str = "case_no") -> str:
    return f"{rows} as located"


def sources_of(kind: str) -> list[str]:
    return ["source", "other"]


def models_of(kind: str, sources: list[str]) -> list[str]:
    return [f"stg_source__{kind}"]


def columns_of(kind: str) -> list[list[str]]:
    return [["application_no", "string"]]


def key_columns(kind: str) -> list[list[str]]:
    return [["application_no", "string"]]


def lineage_columns() -> list[list[str]]:
    return [["_source", "string"]]


def fields_of(kind: str) -> list[list[str]]:
    return [["SBLSH", "application_no", "text"]]


def record_key(kind: str) -> str:
    return "application_no"


def hash_of(fields: list[list[str]]) -> str:
    return "md5(application_no)"


def reported_by_several(kind: str) -> str:
    return f"select application_no from stg_source__{kind}"


def now_reported_by_several(kind: str, staged: str, held: str | None, before: str) -> str:
    return f"select application_no from {staged} where kind = '{kind}'"


def quoted_list(texts: list[str]) -> str:
    return "'source'"


def neighbourhood(name: str, rows: str, columns: dict[str, str]) -> list[list[str]]:
    return [["unit_code", f"{rows}.unit_code"]]


def neighbour_columns(official: bool = False) -> dict[str, str]:
    return {"unit_code": "unit_code"}


def named_neighbourhoods() -> list[str]:
    return ["unit_second"]


def crowded(name: str, beyond: int) -> str:
    return "select unit_code, application_count from int_applications_deduplicated"


def neighbours_touched(name: str) -> str:
    return "select those.application_no as case_no from int_applications_deduplicated as those"


def item_columns() -> list[list[str]]:
    return [["item_code", "string"], ["item_version", "int"], ["item_name", "string"]]


def item_lineage() -> list[list[str]]:
    return [["_loaded_at", "timestamp"]]


def deduplicated(kind: str) -> str:
    return f"select application_no\nfrom stg_source__{kind}"


def latest(kind: str, key: list[str], columns: list[list[str]], in_order_of_loads: bool = False) -> str:
    return f"select {key[0]}\nfrom stg_source__{kind}"


def shown_whole(model_name: str) -> str:
    return "select 1 from run.whole_kinds"


def written_identifier(column: str) -> str:
    return f"upper({column})"


kind_of_number = written_identifier


def citizen_check_digit(digits: str) -> str:
    return f"substr({digits}, 1, 1)"


def number_form(written: str, citizen: str) -> str:
    return written


def is_number_sound(written: str, form: str) -> str:
    return f"{written} = {form}"


def pseudonym(identifier: str) -> str:
    return f"md5({identifier})"


def exchange_record(kind: str, relation: str) -> str:
    return f"select *\nfrom {relation}"


def from_official(kind: str, instead: dict[str, str] | None = None, lacks: list[str] | None = None) -> str:
    return "sblsh as application_no,"


def as_kind(kind: str, given: dict[str, str]) -> str:
    return ",\n        ".join(f"{value} as {name}" for name, value in given.items())


def code(source_name: str, list_name: str, column: str) -> str:
    return column


def parse_time(text: str, pattern: str) -> str:
    return f"cast({text} as timestamp)"


def zoned_time(*given: str, **more: str) -> str:
    return f"cast({given[0]} as timestamp)"


def written_time(column: str) -> str:
    return f"cast({column} as timestamp)"


def format_time(moment: str, pattern: str) -> str:
    return f"cast({moment} as string)"


def matches(text: str, expression: str) -> str:
    return f"{text} = 'x'"


def is_hall(place: str) -> str:
    return f"{place} <> ''"


def known_channels() -> str:
    return "'0', '1'"


def days_between(earlier: str, later: str) -> str:
    return f"{later} - {earlier}"


def accounts_of(owner_kind: str) -> str:
    return f"select owner_key, account_count from fct_accounts where owner_kind = '{owner_kind}'"


def licences_of(owner_kind: str) -> str:
    return f"select {owner_kind}_key as owner_key, 1 as licence_count from fct_licences"


def activity_of(owner_kind: str) -> str:
    return f"select applicant_key as owner_key, 1 as theme_count from fct_applicant_themes where kind = '{owner_kind}'"


def owner_roles() -> list[list[str]]:
    return [["account", "accounts", "account_id", "id_no"]]


def written_records(among: str | None = None) -> str:
    return f"select owner_role, record_key, id_no, _load_id, _row_hash from {among or 'all'}_accounts"


def named_number(records: str) -> str:
    return f"{records}.id_no"


def naming_records() -> str:
    return "select owner_role, record_key, identity_key from int_owner_records"


def with_owner(records: str, owner_kind: str | None = None) -> str:
    return f"select identity_key, owner_kind, owner_key from {records}"


def touched_owners(column: str, and_: bool = False, owner_kind: str | None = None) -> str:
    return touched(column, and_)


def moved_rows(fact: str) -> str:
    return f"select *, 1 as sign\n    from {fact}"


def rows_before(fact: str) -> str:
    return f"select case_no\nfrom {fact}"


def counted(condition: str = "1 = 1") -> str:
    return f"sum(case when {condition} then sign end)"


def added(value: str, type: str = "bigint") -> str:
    return f"sum({value})"


def removed_cases() -> str:
    return "select case_no from run.removed_cases"


touched_now = removed_cases


def age_on(born_on: str, day: str) -> str:
    return f"year({day}) - year({born_on})"


def holdings_columns() -> str:
    return "accounts.account_count, licences.licence_count"


def activity_columns(relation: str) -> str:
    return f"{relation}.case_count"


def add_days(day: str, days: str) -> str:
    return f"{day} + {days}"


def later_months(day: str, months: int) -> str:
    return day


def date_series(first: str, last: str, step: str) -> str:
    return first


def iso_weekday(day: str) -> str:
    return f"month({day})"


def definitions_of(grain: str | None = None) -> list[dict[str, Any]]:
    return [_DEFINITION]


def count_columns(grain: str) -> list[str]:
    return ["m1_numerator"]


def definition_counts(grain: str, signed: bool = False) -> str:
    return "count(*) as m1_numerator"


def summed_counts(grain: str, sign: str = "") -> str:
    return "sum(m1_numerator) as m1_numerator"


def scope_group(kind: str, code: str) -> str:
    return code


def counted_by_period(grain: str) -> str:
    return "    select period_kind, period, scope_kind, scope_code, subject, m1_numerator from fct_cases"


def small_grains() -> list[str]:
    return ["case"]


def scopes(grain: str) -> list[list[str]]:
    return [["theme", "theme_code", "theme_code is not null"]]


def unit_days(dates: str) -> str:
    return f"select 'G' as unit, day_no, date_on from {dates}"


def stops(suspensions: str, as_of: str | None = None, keys: tuple[str, ...] = ("case_no",)) -> str:
    return f"select {', '.join(keys)}, starts_on, runs_until from {suspensions}"


def stopped_spans(stopped: str) -> str:
    return f"select case_no, starts_on, runs_until from {stopped}"


def clock_shifts(cases: str, spans: str, dates: str, limit: str, unit: str) -> str:
    return (
        "select case_no, 0 as shift_days, false as is_open, 0 as overdue_shift_days, false as is_overdue_open"
        f" from {spans}"
    )


def stopped_up_to(cases: str, spans: str, dates: str, day: str) -> str:
    return f"select case_no, 0 as stopped_working_days, 0 as stopped_days, true as is_stopped from {spans}"


def day_number(dates: str, unit: str) -> str:
    return f"{dates}.day_no"


def suspension_limit(kind: str, value: str, unit: str) -> str:
    return value


def is_refused_extension(kind: str, outcome: str) -> str:
    return f"{outcome} = 'x'"


def alert_days() -> str:
    return "1"


def suspension_alert_days() -> str:
    return "2"


def clock_state(rest: str, statutory_rest: str, limit: str, is_stopped: str, is_first_day: str) -> str:
    return f"case when {rest} < 0 then 'past_promised' end"


def worked_seconds(dates: str, moment: str) -> str:
    return f"{dates}.working_day_no"


def seconds_between(first: str, last: str) -> str:
    return f"second({last})"


def event(moment: str, place: str, activity: str) -> str:
    return f"concat({moment}, {place}, {activity})"


def collected_events(moment: str, place: str, activity: str) -> str:
    return f"max(concat({moment}, {place}, {activity}))"


def ordered_path(events: list[str], collected: list[str]) -> str:
    return f"concat({', '.join([*events, *collected])})"


def reported_on(day: str) -> str:
    return day


def holds_on(versions: str, day: str) -> str:
    return f"{day} >= {versions}.applies_from"


def mean(value: str) -> str:
    return f"avg({value})"


def picked_method(rows: str, method: str, methods: list[str], suffix: str = "") -> str:
    return f"{rows}.seasonal_naive{suffix}"


def headline_order(metric_code: str) -> str:
    return f"length({metric_code})"


def duty_in_words(is_backfill: str) -> str:
    return f"case when {is_backfill} then 'x' end"


def _as_it_is(code: str) -> str:
    return code


# Codes in words, and texts that come back as they are.
activity_in_words = alarm_in_words = band_in_words = clock_state_in_words = path_in_words = _as_it_is
receipt_in_words = source_state_in_words = standing_in_words = step_in_words = subject_in_words = _as_it_is
suspension_in_words = region_code = filled = file_version = _as_it_is
citizen_number = organisation_number = _as_it_is
age_band_in_words = identity_in_words = legal_person_kind_in_words = _as_it_is
legal_person_status_in_words = register_status_in_words = _as_it_is
