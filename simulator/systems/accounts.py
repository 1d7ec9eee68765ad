"""What do identity and the personal pages keep? Accounts and how far they are proven, what is connected, who logs in.

Logins are published by day, the next night; now and then a day is counted again. Some have a second account: a firm
under its organisation code, a person under the old number of 15 digits.
"""

from simulator.systems.tables import Table

_FIRST = "date '2017-01-03'"


def _accounts(until: str) -> str:
    return f"""
        with opened as (
            select account_id, '1' as account_type, real_name_level as level, registered_at, id_no from persons
            union all
            select 'GDQ' || lpad(eid::varchar, 9, '0'), '2', 3,
                timestamp '2016-01-04 09:00:00' + to_seconds(eid * 60007 % 61000000), credit_code
            from firms where eid % 3 = 0
            union all
            select 'GDB' || lpad(eid::varchar, 9, '0'), '2', 2,
                timestamp '2017-02-06 09:00:00' + to_seconds(eid * 60013 % 20000000), org_code
            from firms where eid % 36 = 0
            union all
            select 'GDJ' || lpad(pid::varchar, 9, '0'), '1', 1,
                timestamp '2017-02-06 09:00:00' + to_seconds(pid::bigint * 60013 % 20000000),
                left(id_no, 6) || substr(id_no, 9, 9)
            from persons where pid % 80 = 8 and substr(id_no, 7, 2) = '19'),
        raised as (
            select *, 2 as edition, greatest(registered_at + interval 3 day,
                office(date '2017-06-01' + pick('raised', account_id, 400)::integer, 'raised', account_id)) as seen_at
            from opened where level < 3 and pick('raises', account_id, 12) = 0),
        versions as (
            select *, 1 as edition, registered_at as seen_at from opened
            union all by name select * replace (level + 1 as level) from raised)
        select account_id, account_type, level::integer as real_name_level, registered_at,
            case edition when 1 then registered_at else written(seen_at, account_id) end as updated_at, id_no,
            seen_at, null::timestamp as gone_at
        from versions where seen_at <= {until}"""


def _by_day(key: str, groups: str, counts: str, until: str) -> str:
    """Figures of every day and group, published at 01:10 of the next; one in twenty is put right two days later."""
    return f"""
        with days as (select unnest(range({_FIRST}, {until}::date, interval 1 day))::date as day),
        counted as (select day, {groups}, (select count(*) from persons) as people, concat(day, {key}) as name
                    from days, {counts}),
        told as (
            select *, 10 + people // 400 + pick('logins', name, 1 + people // 200) as logins,
                edition, case edition when 1 then day + interval '1 day 1 hour 10 minute'
                    else day + interval '3 day 9 hour' end as seen_at
            from counted, unnest([1, 2]) editions(edition)
            where edition = 1 or pick('again', name, 20) = 0)
        select day, {groups},
            (logins + case edition when 2 then 1 + pick('missed', name, 9) else 0 end)::bigint as logins,
            (logins * 3 // 4)::bigint as accounts, written(seen_at, concat(name, edition)) as updated_at,
            seen_at, null::timestamp as gone_at
        from told where seen_at <= {until}"""


def _login_days(until: str) -> str:
    return _by_day(
        "account_type, channel",
        "account_type, channel",
        "unnest(['1', '2']) types(account_type), unnest(['pc', 'mobile', 'kiosk']) channels(channel)",
        until,
    )


def _page_login_days(until: str) -> str:
    return _by_day("page_kind", "page_kind", "unnest(['enterprise', 'citizen']) kinds(page_kind)", until)


def _connected_items(until: str) -> str:
    return f"""
        with items as (
            select code, bool_and(is_online and is_settled) as is_ready, max(unit_code) as unit_code,
                case when count(*) = count(ended_at) then max(ended_at) end as ended
            from versions group by code),
        connected as (
            select *, office(date '2017-02-01' + pick('connected', code, 420)::integer, 'connected', code) as seen_at
            from items where is_ready)
        select code as item_code, unit_code, ['统一认证', '交叉认证'][1 + pick('mode', code, 2)] as connection_mode,
            seen_at::date as connected_on, seen_at,
            case when ended is not null then greatest(ended, seen_at + interval 1 hour)
                when pick('broken', code, 30) = 0 then seen_at + interval 200 day end as gone_at
        from connected where seen_at <= {until}"""


_PAGES = """
    select 'YM1' || lpad(pid::varchar, 8, '0') as page_id, 'citizen' as page_kind, account_id,
        greatest(registered_at, timestamp '2017-01-09 09:00:00') + to_seconds(pick('page', pid, 37000000)) as opened_at
    from persons where pid % 8 = 0
    union all
    select 'YM3' || lpad(pid::varchar, 8, '0'), 'citizen', 'GDJ' || lpad(pid::varchar, 9, '0'),
        timestamp '2017-10-09 09:00:00' + to_seconds(pick('second page', pid, 12000000))
    from persons where pid % 80 = 8 and substr(id_no, 7, 2) = '19'
    union all
    select 'YM2' || lpad(eid::varchar, 8, '0'), 'enterprise', 'GDQ' || lpad(eid::varchar, 9, '0'),
        timestamp '2017-01-09 09:00:00' + to_seconds(pick('firm page', eid, 37000000))
    from firms where eid % 12 = 0
    union all
    select 'YM4' || lpad(eid::varchar, 8, '0'), 'enterprise', 'GDB' || lpad(eid::varchar, 9, '0'),
        timestamp '2017-10-09 09:00:00' + to_seconds(pick('second firm page', eid, 12000000))
    from firms where eid % 36 = 0"""
_CLOSING = "opened_at + to_days((20 + pick('closing', page_id, 300))::integer)"
_CLOSES = "pick('closes', page_id, 25) = 0"


def _pages(until: str) -> str:
    return f"""
        with opened as ({_PAGES}),
        versions as (
            select *, 'open' as status, opened_at as seen_at from opened
            union all
            select *, 'closed', {_CLOSING} from opened where {_CLOSES})
        select page_id, page_kind, account_id, opened_at, status,
            (select code from areas where place = pick('branch', page_id, (select count(*) from areas))) || '000000'
                as region_code,
            written(seen_at, concat(page_id, status)) as updated_at, seen_at, null::timestamp as gone_at
        from versions where seen_at <= {until}"""


def _logins(until: str) -> str:
    """Who used a page on which day, told at 01:20 of the next; two in five pages are opened and never used."""
    return f"""
        with opened as ({_PAGES}),
        used as (
            select page_id, opened_at::date as first_day, 20 + pick('pace', page_id, 160) as pace,
                least({until}::date, case when {_CLOSES} then ({_CLOSING})::date end) as last_day
            from opened where pick('uses page', page_id, 5) > 1),
        days as (
            select page_id, unnest(range(first_day + pick('first login', page_id, 40)::integer, last_day,
                to_days(pace::integer)))::date as login_date
            from used),
        told as (select *, login_date + interval '1 day 1 hour 20 minute' as seen_at from days)
        select page_id, login_date, written(seen_at, concat(page_id, login_date)) as updated_at, seen_at,
            null::timestamp as gone_at
        from told where seen_at <= {until}"""


TABLES = (
    Table("identity", "accounts", ("account_id",), _accounts, file="accounts"),
    Table("identity", "login_days", ("day", "account_type", "channel"), _login_days),
    Table("identity", "connected_items", ("item_code",), _connected_items),
    Table("personal_pages", "pages", ("page_id",), _pages),
    Table("personal_pages", "login_days", ("day", "page_kind"), _page_login_days),
    Table("personal_pages", "logins", ("page_id", "login_date"), _logins),
)
