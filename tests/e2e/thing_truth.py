"""What the simulator knows of items, licence kinds, pages, replies, checks and ratings, counted here anew.

Read from the simulator's own truth files, cell by cell from the rows themselves: no monthly sums, no macro and no model
of the warehouse. A connection comes from `truth.connect`.
"""

from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
from stdnum.cn import ric

from simulator import carriers, places
from simulator.workdays import day_number, is_working
from tests.e2e.truth import Rows, published_differences
from wangting import site_folders

_STAGES = {
    "catalogue_confirmed_rate": 1,
    "standards_entered_rate": 2,
    "review_passed_rate": 5,
    "codes_published_rate": 5,
}
_REPLY_DAYS = {"在线咨询": 5, "业务投诉": 15, "行政服务投诉": 15}


def differences(con: duckdb.DuckDBPyConnection, truth: Path, as_of: date, site: Path) -> Rows:
    """Every cell of a metric that counts neither cases nor declared visits in which marts and truth differ, both ways.

    Columns: metric, variant, subject, scope kind, scope, period kind, start, published and true numerator and
    denominator. A cell of a state (items, licence kinds, open pages) is not asked for over twelve rolling months.
    """
    for file in sorted(truth.glob("*__*.parquet")):
        con.execute(f"create or replace view \"{file.stem}\" as select * from read_parquet('{file}')")
    con.execute(f"""
        create or replace temp table spans as
        select distinct period_kind, period_start, period_end, least(period_end, date '{as_of}') as ends_on
        from m.metric_values
    """)
    con.execute("""
        create or replace temp table expected (metric_code text, variant text, subject text, scope_kind text,
            scope_code text, period_kind text, period_start date, period_end date, numerator bigint, denominator bigint)
    """)
    con.execute("""
        create or replace temp view places as
        select u.unit_code, u.unit_name, u.level_code, u.region_code, r.county_code
        from units u join regions r using (region_code)
    """)
    _items(con, site)
    _licence_kinds(con)
    _replies(con, as_of)
    _checks(con)
    _ratings(con)
    _pages(con, site)
    return published_differences(con)


def _in_scopes(rows: str, more: tuple[str, ...] = ()) -> str:
    """SQL: rows with unit_code in every scope that they belong to; `more`: theme, channel."""
    placed = (
        f"(select x.*, p.level_code, p.region_code, p.county_code from ({rows}) x"
        " left join places p using (unit_code))"
    )
    parts = [
        f"select 'city' as scope_kind, whole() as scope_code, * from {placed}",
        f"select 'level', level_code, * from {placed} where level_code in ('municipal', 'county', 'town')",
        f"select 'level', 'county', * from {placed} where level_code = 'town'",
        f"select 'unit', unit_code, * from {placed} where unit_code is not null",
        f"select 'region', county_code, * from {placed} where county_code <> whole()",
        f"select 'region', region_code, * from {placed} where region_code <> county_code",
    ]
    if "theme" in more:
        parts += [
            f"select 'theme', {theme}, * from {placed} where {theme} is not null"
            for theme in ("person_theme_code", "legal_theme_code", "special_theme_code")
        ]
    if "channel" in more:
        parts.append(f"select 'channel', channel, * from {placed}")
    return " union all ".join(parts)


def _expect(
    con: duckdb.DuckDBPyConnection,
    metric: str,
    rows: str,
    numerator: str,
    population: str = "true",
    *,
    variant: str = "V1",
    subject: str | None = None,
) -> None:
    """Count `rows` (with scope and period) for one metric."""
    only = f"and subject = '{subject}'" if subject else ""
    con.execute(f"""
        insert into expected
        select '{metric}', '{variant}', subject, scope_kind, scope_code, period_kind, period_start, period_end,
            {numerator}, count(*) from {rows} where {population} {only} group by all
    """)


def _items(con: duckdb.DuckDBPyConnection, site: Path) -> None:
    own = {
        unit.code: carriers.NAMES[carriers.of_unit(site, unit)]
        for unit in places.units(site)
        if carriers.of_unit(site, unit) != carriers.PLATFORM
    }
    rows = ", ".join(f"('{code}', '{name}')" for code, name in own.items()) or "('', '')"
    con.execute(f"create or replace temp table carried as from (values {rows}) t(unit_code, carrier)")
    # What identity and the mobile version list today, from the day each item was taken up.
    con.execute("""
        create or replace temp table held as
        select s.*, i.*, carried.carrier,
            case i.item_type when '行政许可' then 'licence' else 'public_service' end as subject,
            coalesce(c.connected_on <= s.ends_on, false) as connected,
            coalesce(o.offered_on <= s.ends_on, false) as on_mobile,
            coalesce(t.stage_number, 0) as stage
        from spans s join items i
            on i.valid_from <= s.ends_on and (i.valid_to is null or s.ends_on < i.valid_to)
        left join carried using (unit_code)
        left join (select item_code, connected_on from identity__connected_items where gone_at is null) c
            using (item_code)
        left join (
            select item_code, offered_on from channels__offered_items where gone_at is null and channel = 'mobile'
        ) o using (item_code)
        left join (
            select item_code, ends_on, max(stage_number) as stage_number
            from item_catalogue__standards join (select distinct ends_on from spans)
                on entered_at::date <= ends_on group by all
        ) t on t.item_code = i.item_code and t.ends_on = s.ends_on
        where s.period_kind <> 'rolling' and not exists (
            select 1 from items child where child.parent_item_code = i.item_code
                and child.valid_from <= s.ends_on and (child.valid_to is null or s.ends_on < child.valid_to))
    """)
    con.execute(
        f"create or replace temp table held_in as {_in_scopes('select * exclude (region_code) from held', ('theme',))}"
    )

    def expect(metric: str, numerator: str, population: str = "true", **more: str) -> None:
        _expect(con, metric, "held_in", f"count(*) filter (where {numerator})", population, **more)

    on_platform = "is_settled and carrier is null"
    expect("licence_items_on_platform_rate", on_platform, subject="licence")
    expect("platform_users_items_on_platform_rate", on_platform, "carrier is null", subject="licence")
    expect("public_items_on_platform_rate", on_platform, subject="public_service")
    expect("identity_connected_rate", "connected", "is_settled")
    own_systems = "is_settled and carrier in ('housing_bureau', 'civil_affairs')"
    expect("identity_connected_rate", "connected", own_systems, variant="V1_own_systems")
    expect("mobile_items_rate", "on_mobile", "is_settled and person_theme_code is not null")
    expect("approval_items_online_rate", "is_online", subject="licence")
    expect("public_items_online_rate", "is_online", subject="public_service")
    for metric, stage in (_STAGES | {"procedure_published_rate": 5}).items():
        expect(metric, f"stage >= {stage}")
    for metric, visits in {"visits_at_most_one_rate": 1, "visits_zero_rate": 0}.items():
        expect(metric, f"visit_limit <= {visits}", "is_settled and is_online", variant="V1_online")


def _licence_kinds(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("""
        create or replace temp table listed as
        select k.kind_code, k.kind_name, k.planned_on, k.opened_on, p.unit_code
        from (
            select * from elicence__kinds
            qualify row_number() over (partition by kind_code order by seen_at desc) = 1
        ) k
        left join places p on p.unit_name = k.issuing_unit
        where k.is_issuing
    """)
    con.execute("""
        create or replace temp table papers as
        select c.licence_name as kind_name, c.unit_code, c.closed_at::date as closed_on, exists (
            select 1 from elicence__licences l where l.case_no = c.case_no and l.licence_kind = c.licence_name
                and l.issue_way = 'new' and l.issued_at::date = c.closed_at::date) as in_step
        from cases_as_emitted c where c.result = '0'
    """)
    con.execute("""
        create or replace temp table listed_then as
        select s.*, l.*, coalesce(opened_on <= ends_on, false) and not exists (
            select 1 from papers p
            where p.kind_name = l.kind_name and (l.unit_code is null or p.unit_code = l.unit_code)
                and p.closed_on between l.opened_on and s.ends_on and not p.in_step) as in_step,
            'licence' as subject
        from spans s join listed l on l.planned_on <= s.ends_on where s.period_kind <> 'rolling'
    """)
    # A kind of the city's own, whoever keeps the system, is a municipal one.
    scoped = (
        _in_scopes("select * from listed_then")
        + " union all "
        + ("select 'level', 'municipal', x.*, null, null, null from listed_then x where unit_code is null")
    )
    con.execute(f"""
        create or replace temp table kinds_in as
        select subject, scope_kind, scope_code, period_kind, period_start, period_end, kind_name,
            bool_and(in_step) as all_in
        from ({scoped}) group by all
    """)
    _expect(con, "licence_digitised_rate", "kinds_in", "count(*) filter (where all_in)")


def _due(begun: date, days: int) -> date:
    """The last day of a limit that counts working days from the day after."""
    day = begun
    while days:
        day += timedelta(days=1)
        days -= bool(is_working(np.array([day_number(day)]))[0])
    return day


def _replies(con: duckdb.DuckDBPyConnection, as_of: date) -> None:
    con.execute("""
        create or replace temp table asked as
        with questions as (
            select *, row_number() over (partition by question_no order by seen_at desc) as n
            from complaints_and_ratings__questions
        ),
        complaints as (
            select *, row_number() over (partition by complaint_no order by seen_at desc) as n
            from complaints_and_ratings__complaints
        )
        select question_no as no, '在线咨询' as origin, unit_code, asked_at::date as begun, answered_at::date as replied
        from questions where n = 1 and gone_at is null
        union all
        select complaint_no, complaint_kind, unit_code, filed_at::date, handled_at::date from complaints where n = 1
    """)
    begun = con.execute("select no, origin, begun from asked").fetchall()
    con.execute("create or replace temp table limits (no text, due_on date)")
    if begun:
        con.executemany(
            "insert into limits values (?, ?)",
            [(no, _due(day, _REPLY_DAYS[origin])) for no, origin, day in begun],
        )
    rows = f"""
        select s.*, 'all' as subject, a.* exclude (no), coalesce(replied <= due_on, false) as in_time
        from asked a join limits using (no)
        join spans s on due_on between period_start and ends_on where due_on < date '{as_of}'"""
    con.execute(f"create or replace temp table asked_in as {_in_scopes(rows)}")
    for metric, population in {
        "replies_in_time_rate": "true",
        "questions_answered_in_time_rate": "origin = '在线咨询'",
        "complaints_handled_in_time_rate": "origin <> '在线咨询'",
    }.items():
        _expect(con, metric, "asked_in", "count(*) filter (where in_time)", population)


def _checks(con: duckdb.DuckDBPyConnection) -> None:
    rows = """
        select s.*, 'all' as subject, c.*, u.unit_code
        from (
            select * from channels__page_checks
            qualify row_number() over (partition by check_no order by seen_at desc) = 1
        ) c
        left join (select item_code, max_by(unit_code, item_version) as unit_code from items group by 1) u
            using (item_code)
        join spans s on c.checked_at::date between s.period_start and s.ends_on"""
    con.execute(f"create or replace temp table checked_in as {_in_scopes(rows)}")
    reachable = "count(*) filter (where is_reachable)"
    _expect(con, "mobile_pages_available_rate", "checked_in", reachable, "channel in ('mobile', 'tablet')")
    links = "count(*) filter (where coalesce(problem, '') not in ('页面打不开', '链接失效'))"
    _expect(con, "links_open_rate", "checked_in", links)


def _ratings(con: duckdb.DuckDBPyConnection) -> None:
    rows = """
        select s.*, r.score, c.subject, c.unit_code, c.channel, c.person_theme_code, c.legal_theme_code,
            c.special_theme_code
        from (select * from complaints_and_ratings__ratings
              qualify row_number() over (partition by rating_no order by seen_at desc) = 1) r
        join cases_as_emitted c using (case_no)
        join spans s on r.rated_at::date between s.period_start and s.ends_on
        where r.rating_way <> '系统默认' and c.subject is not null"""
    con.execute(f"create or replace temp table rated_in as {_in_scopes(rows, ('theme', 'channel'))}")
    _expect(con, "satisfaction_rate", "rated_in", "count(*) filter (where score >= 3)")
    _expect(con, "star_rating", "rated_in", "sum(score)")


def _holder(number: str) -> str:
    """Whose number it is: a person by 18 digits, a legal person by the organisation code in it."""
    if len(number) == 15:
        return _of_fifteen(number)
    return number if ric.is_valid(number) else number[8:17] if len(number) == 18 else number


def _of_fifteen(number: str) -> str:
    """An old citizen's number with century and check digit."""
    body = number[:6] + "19" + number[6:]
    return body + ric.calc_check_digit(body + "0")


def _pages(con: duckdb.DuckDBPyConnection, site: Path) -> None:
    con.create_function("holder_of", _holder)
    # Shops and institutions have such a page too, and are no enterprises; whoever opened theirs under an organisation
    # code is told apart by the number that the register, or an application of theirs, has.
    con.execute("""
        create or replace temp table enterprises as
        select number from (
            select id_no as number from identity__accounts
            union select tyshxydm from legal_person_register__fr_jbxx
            union select applicant_id_no from cases_as_emitted)
        where number like '91%' and length(number) = 18
    """)
    con.execute("""
        create or replace temp table opened as
        with accounts as (
            select account_id, any_value(id_no) as id_no from identity__accounts group by 1
        ),
        newest as (
            select * from personal_pages__pages
            qualify row_number() over (partition by page_id order by seen_at desc) = 1
        )
        select page_id, page_kind, holder_of(id_no) as holder, opened_at::date as opened_on, county_code,
            r.region_code,
            case when status = 'closed' then updated_at::date end as closed_on
        from newest join accounts using (account_id) join regions r on r.region_code = newest.region_code
        where page_kind <> 'enterprise' or holder_of(id_no) in (select holder_of(number) from enterprises)
    """)
    con.execute("""
        create or replace temp table figures_out as
        with yearbook as (
            select case 区划 when '445121' then '445103' when '441421' then '441403' else 区划 end || '000000' as place,
                sum(数值) as number
            from reference_figures__yearbook_2010 where 指标 = '20—49岁常住人口' group by 1
        ),
        firms as (
            select s.period_kind, s.period_start, s.period_end, 区划 || '000000' as place,
                max_by(企业数, 年月) as number
            from reference_figures__enterprise_counts join spans s on 年月 <= strftime(s.ends_on, '%Y-%m') group by all
        ),
        both_kinds as (
            select 'citizen' as page_kind, period_kind, period_start, period_end, place, number from yearbook, spans
            union all select 'enterprise', * from firms
        )
        select page_kind, period_kind, period_start, period_end, 'region' as scope_kind, place as scope_code, number
        from both_kinds
        union all
        select page_kind, period_kind, period_start, period_end, 'city', whole(), sum(number)
        from both_kinds group by all
    """)
    if "reference_figures" not in site_folders.of(site).sources:
        con.execute("delete from figures_out")
    scoped = """
        (select 'city' as scope_kind, whole() as scope_code, * from ({rows})
         union all select 'region', county_code, * from ({rows}) where county_code <> whole()
         union all select 'region', region_code, * from ({rows}) where region_code <> county_code)"""
    open_then = """
        select s.*, o.* from spans s join opened o on opened_on <= ends_on and coalesce(closed_on > ends_on, true)"""
    used_then = """
        select s.*, o.*, l.login_date from spans s
        join personal_pages__logins l on l.login_date between s.period_start and s.ends_on
        join opened o using (page_id)"""
    aged = """
        and substr(holder, 7, 8)::bigint > strftime(last_day(login_date) - interval 50 year, '%Y%m%d')::bigint
        and substr(holder, 7, 8)::bigint <= strftime(last_day(login_date) - interval 20 year, '%Y%m%d')::bigint"""
    for metric, variant, kind, rows, more in (
        ("citizen_pages_opened_rate", "V1", "citizen", open_then, ""),
        ("enterprise_pages_opened_rate", "V1", "enterprise", open_then, ""),
        ("citizen_pages_used_rate", "V1", "citizen", used_then, ""),
        ("citizen_pages_used_rate", "V2_age", "citizen", used_then, aged),
        ("enterprise_pages_used_rate", "V1", "enterprise", used_then, ""),
    ):
        con.execute(f"""
            insert into expected
            select '{metric}', '{variant}', 'all', scope_kind, scope_code, period_kind, period_start, period_end,
                coalesce(n, 0), coalesce(number, 0)
            from (from figures_out where page_kind = '{kind}') full join (
                select scope_kind, scope_code, period_kind, period_start, period_end, count(distinct holder) as n
                from {scoped.format(rows=rows)} where page_kind = '{kind}' {more} group by all
            ) using (scope_kind, scope_code, period_kind, period_start, period_end)
            where {"period_kind <> 'rolling'" if rows is open_then else "true"}
        """)
