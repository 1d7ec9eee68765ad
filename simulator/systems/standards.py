"""What does the item catalogue keep besides the items? Their standards on the way, powers that move, joint items.

A guide (办事指南) of an item is drafted for every version of it, and reviewed once a year; it passes five stages,
but for those of every ninth item, which get stuck on the way.
"""

from simulator.systems.tables import Table

STAGES = "['编制', '部门审核', '编办审核', '法制审核', '确认发布']"


def _standards(until: str) -> str:
    return f"""
        with drafts as (
            select code || '-V' || version as standard_no, code, version, 'new' as kind,
                announced_at - interval 20 day as begun from versions
            union all
            select code || '-R2018', code, version, 'review',
                timestamp '2017-09-01 09:00:00' + to_days(pick('review', code, 365)::integer)
            from versions where ended_at is null),
        entered as (
            select *, stage, office(begun::date + to_days((stage - 1) * (1 + pick('pace', standard_no, 3))::integer),
                concat('stage', stage), standard_no) as entered_at
            from drafts, unnest(range(1, 6)) stages(stage))
        select standard_no, code as item_code, version::integer as item_version, kind as edition_kind,
            {STAGES}[stage] as stage, stage::integer as stage_number, entered_at,
            case when stage = 5 then entered_at end as confirmed_at,
            written(entered_at + interval 10 minute, concat(standard_no, stage)) as updated_at,
            entered_at + interval 10 minute as seen_at, null::timestamp as gone_at
        from entered where entered_at + interval 10 minute <= {until}
            and stage <= case when pick('stuck', code, 9) = 0 then pick('stuck at', code, 5) else 5 end"""


def _power_adjustments(until: str) -> str:
    return f"""
        with moved as (
            select v.*, n.neighbour, timestamp '2017-01-09 00:00:00' + to_days(pick('moved', code, 600)::integer) as day
            from versions v join neighbours n using (unit_number)
            where v.version = 1 and item_type = '行政许可' and pick('power', code, 12) = 0),
        told as (
            select 'QZTZ' || strftime(day, '%Y%m%d') || right(code, 9) as adjustment_no,
                ['下放', '取消', '转移'][1 + pick('power kind', code, 3)] as adjustment_kind, code as item_code,
                unit_code as from_unit_code,
                case when pick('power kind', code, 3) <> 1 then neighbour end as to_unit_code,
                left(city(), 1) || '府〔' || year(day) || '〕' || (1 + pick('document', code, 90)) || '号'
                    as document_no,
                (day + interval 30 day)::date as effective_on, office(day, 'power', code) as told_at
            from moved)
        select t.* exclude (told_at, edition, seen_at) replace (case when edition = 1 and pick('typo', item_code, 5) = 0
                then replace(document_no, '府', '府办') else document_no end as document_no),
            written(seen_at, concat(adjustment_no, edition)) as updated_at, seen_at, null::timestamp as gone_at
        from (select *, told_at + case edition when 2 then interval 3 day else interval 0 day end as seen_at
              from told, unnest([1, 2]) editions(edition)
              where edition = 1 or pick('typo', item_code, 5) = 0) t
        where seen_at <= {until}"""


def _joint_items(until: str) -> str:
    return f"""
        with ranked as (
            select *, row_number() over (partition by unit_number order by code) as place
            from versions where version = 1 and valid_to is null),
        leaders as (
            select distinct v.unit_number, v.unit_code, v.region_code, n.neighbour
            from versions v join neighbours n using (unit_number)
            where v.level_code <> 'town' and pick('leads', v.unit_number, 4) = 0),
        members as (
            select l.*, r.code, r.region_code <> l.region_code as is_cross from leaders l
            join ranked r on (r.unit_number = l.unit_number and place <= 2)
                or (r.unit_code = l.neighbour and r.unit_number <> l.unit_number and place = 1))
        select 'XT' || lpad(unit_number::varchar, 5, '0') as joint_code,
            '协同事项' || lpad(unit_number::varchar, 5, '0') as joint_name, unit_code as lead_unit_code,
            code as item_code, is_cross as is_cross_level, joined as joined_on,
            office(joined, 'joins', concat(unit_number, code)) as seen_at,
            case when pick('leaves', concat(unit_number, code), 6) = 0
                then office(date '2017-12-01' + pick('leaving', code, 200)::integer, 'leaves', code) end as gone_at
        from (select *, date '2016-12-01' + pick('joins', concat(unit_number, code), 330)::integer as joined
              from members)
        where office(joined, 'joins', concat(unit_number, code)) <= {until}"""


TABLES = (
    Table("item_catalogue", "standards", ("standard_no",), _standards),
    Table("item_catalogue", "power_adjustments", ("adjustment_no",), _power_adjustments),
    Table("item_catalogue", "joint_items", ("joint_code", "item_code"), _joint_items),
)
