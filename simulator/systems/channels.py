"""What do the hall's other doors keep? The items that mobile version, tablets and kiosks offer, and page checks."""

from simulator.systems.tables import Table


def _offered_items(until: str) -> str:
    return f"""
        with items as (
            select code, max(name) as name, case when count(*) = count(ended_at) then max(ended_at) end as ended
            from versions where is_settled and is_online group by code),
        offered as (
            select channel, i.*, concat(channel, code) as id,
                office(date '2017-03-01' + pick('offered', concat(channel, code), 400)::integer, 'offered',
                    concat(channel, code)) as seen_at
            from items i, unnest(['mobile', 'tablet', 'kiosk']) channels(channel)
            where pick('offers', concat(channel, code), 10) < case channel when 'mobile' then 5 else 1 end)
        select channel, code as item_code, name as shown_name, seen_at::date as offered_on, seen_at,
            case when ended is not null then greatest(ended, seen_at + interval 1 hour)
                when pick('withdrawn', id, 25) = 0 then seen_at + interval 150 day end as gone_at
        from offered where seen_at <= {until}"""


def _page_checks(until: str) -> str:
    return f"""
        with codes as (select list(distinct code order by code) as codes from versions),
        checked as (
            select day, n, concat(strftime(day, '%Y%m%d'), lpad(n::varchar, 3, '0')) as id
            from (select unnest(range(date '2017-06-01', {until}::date + 1, interval 1 day))::date as day),
                unnest(range(1, 13)) places(n)),
        told as (select *, office(day, 'check', id) as checked_at from checked),
        editions as (
            select *, 1 as edition, checked_at + interval 1 minute as seen_at from told
            union all
            select *, 2, checked_at + interval 26 hour from told where pick('page', id, 20) = 0)
        select 'JC' || id as check_no, ['mobile', 'tablet', 'kiosk'][1 + n % 3] as channel,
            codes[1 + pick('checked', id, len(codes))] as item_code,
            checked_at, pick('page', id, 20) > 0 as is_reachable,
            case when pick('page', id, 20) = 0 then ['页面打不开', '链接失效', '内容过期'][1 + pick('why', id, 3)] end
                as problem,
            case edition when 2 then seen_at end as mended_at, written(seen_at, concat(id, edition)) as updated_at,
            seen_at, null::timestamp as gone_at
        from editions, codes where seen_at <= {until}"""


TABLES = (
    Table("channels", "offered_items", ("channel", "item_code"), _offered_items),
    Table("channels", "page_checks", ("check_no",), _page_checks),
)
