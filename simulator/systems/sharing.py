"""What does the sharing platform's catalogue list? Who offers which data, to whom, under which condition."""

from simulator.systems.tables import Table


def _entries(until: str) -> str:
    return f"""
        with offered as (
            select *, office(date '2016-09-01' + pick('entry', id, 600)::integer, 'entry', id) as offered_at
            from (select distinct v.unit_number, n, v.unit_code, v.unit_name, v.level_code,
                      concat(v.unit_number, '.', n) as id
                  from versions v, unnest([1, 2, 3]) numbers(n) where v.level_code <> 'town')),
        editions as (
            select *, 1 as edition, offered_at as seen_at from offered
            union all select *, 2, office(date '2017-12-01' + pick('entry again', id, 300)::integer, 'again', id)
            from offered where pick('conditions', id, 3) = 0 and pick('entry', id, 600) < 400)
        select left(division(), 4) || lpad(unit_number::varchar, 5, '0') || '/' || n as entry_code,
            unit_name || ['许可信息', '登记信息', '处罚信息'][n] as entry_title, unit_code as provider_unit_code,
            case level_code when 'municipal' then '市' else '县' end as level,
            case when edition = 2 then '无条件共享' when pick('share', id, 9) = 0 then '不予共享' else '有条件共享' end
                as share_kind,
            case when edition = 1 then '需出具办理业务的凭据' end as share_condition,
            ['数据库', '接口', '文件'][1 + pick('format', id, 3)] as data_format, offered_at::date as published_on,
            seen_at,
            case when pick('entry ends', id, 25) = 0
                then greatest(offered_at, timestamp '2017-12-01 09:00:00')
                    + to_days((1 + pick('ending', id, 200))::integer) end as gone_at
        from editions where seen_at <= {until}"""


TABLES = (Table("sharing_platform", "catalogue_entries", ("entry_code",), _entries),)
