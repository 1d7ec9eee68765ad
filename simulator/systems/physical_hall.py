"""The back office of the physical halls: windows, queue tickets (taken, called, served, passed over) and visits.

A visit is somebody at a window about a case: to apply, to hand in what was missing, or to collect. Most visits begin
with a ticket; some tickets lead to no visit, because nobody came when the number was called. A ticket is one row that
changes in place; the platform knows nothing of all this.
"""

from simulator.systems.tables import Table

SOURCE = "physical_hall"
# Older tickets are thrown away; the halls of towns have no queue.
FROM = "timestamp '2017-10-09 00:00:00'"
_HALL = "case v.level_code when 'municipal' then v.city_code else v.region_code end"
_WINDOW = f"left({_HALL}, 6) || '-' || lpad(v.unit_number::varchar, 3, '0')"
_IN_A_HALL = "v.level_code in ('municipal', 'county')"

# Everybody who stood at a window about a case: (case, which time, what for, when).
_EVENTS = f"""
    select c.case_id, c.sblsh, v.name, v.unit_code, {_HALL} as hall_code, {_WINDOW} as window_no, e.number,
        e.purpose, e.moment, concat(c.case_id, '.', e.number) as id
    from plan c join versions v on v.vid = c.vid, unnest([
        {{'number': 1, 'purpose': '申请', 'moment': case when c.channel = 0 then c.at_sb end}},
        {{'number': 2, 'purpose': '补交', 'moment': case when c.supplement_online = 0
            then coalesce(c.at_bjsl1, c.at_bjsl2) end}},
        {{'number': 3, 'purpose': '领取', 'moment': case when c.collection = 0 and not c.collects_elsewhere
            then c.at_lqdj end}}]) events(e)
    where {_IN_A_HALL} and e.moment >= {FROM}"""

_VISITS = f"""
    with events as ({_EVENTS})
    select 'DT' || case_id || number as visit_no, sblsh as case_no, hall_code, window_no, purpose,
        case when pick('ticket', id, 12) > 0 then 'PH' || case_id || number end as ticket_no, moment as visited_at,
        written(moment + to_seconds(5 + pick('visit seen', id, 50)), id) as recorded_at,
        moment + to_seconds(5 + pick('visit seen', id, 50)) as seen_at, null::timestamp as gone_at
    from events"""

_TICKETS = f"""
    with events as ({_EVENTS}),
    taken as (
        select *, 'PH' || case_id || number as ticket_no, '已办理' as ends,
            moment - to_seconds(60 + pick('serves', id, 240)) as called_at
        from events where pick('ticket', id, 12) > 0
        union all
        select *, 'PH' || case_id || number || 'X', '过号', moment - to_seconds(90 + pick('passes', id, 900))
        from events where pick('passed over', id, 15) = 0),
    waited as (
        select *, called_at - to_seconds(60 + pick('waits', ticket_no, 1500)) as taken_at from taken),
    versions as (
        select *, 1 as stage, taken_at as happened_at from waited
        union all select *, 2, called_at from waited
        union all
        select *, 3, case ends when '过号' then called_at + interval 3 minute else moment + interval 30 second end
        from waited)
    select ticket_no, hall_code, ['A', 'B', 'C'][1 + pick('letter', ticket_no, 3)]
            || lpad((1 + pick('printed', ticket_no, 400))::varchar, 3, '0') as printed_no,
        name as item_name, unit_code, taken_at, case when stage > 1 then called_at end as called_at,
        case when stage > 1 then window_no end as window_no,
        case when stage = 3 and ends = '已办理' then happened_at end as served_at,
        case stage when 1 then '等候' when 2 then '已叫号' else ends end as state,
        written(happened_at + interval 2 second, concat(ticket_no, stage)) as updated_at,
        happened_at + interval 2 second as seen_at, null::timestamp as gone_at
    from versions"""


def _windows(until: str) -> str:
    return f"""
        with offices as (
            select distinct unit_number, unit_code, unit_name, hall, {_HALL} as hall_code, {_WINDOW} as window_no
            from versions v where {_IN_A_HALL}),
        editions as (
            select *, 1 as edition, timestamp '2017-09-30 09:00:00' as seen_at from offices
            union all
            select *, 2, office(date '2017-12-01' + pick('moves', unit_number, 60)::integer, 'moves', unit_number)
            from offices where pick('is moved', unit_number, 6) = 0)
        select window_no, hall_code, hall as hall_name, unit_name || '窗口' as window_name, unit_code,
            (1 + pick(concat('floor', edition), unit_number, 4))::integer as floor,
            case when edition = 2 then '综合窗口' else '部门窗口' end as window_kind,
            written(seen_at, concat(unit_number, edition)) as updated_at, seen_at, null::timestamp as gone_at
        from editions where seen_at <= {until}"""


TABLES = (
    Table(SOURCE, "windows", ("window_no",), _windows),
    Table(SOURCE, "queue_tickets", ("ticket_no",), of_cases=_TICKETS),
    Table(SOURCE, "visits", ("visit_no",), of_cases=_VISITS),
)
