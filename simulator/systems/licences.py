"""What does the e-licence system keep? The kinds it may issue, the licences with what became of them, their use.

Most licences of the city's cases are issued within the hour. Of every third kind one in five is not issued at all and
one in eight only days later; older paper ones are converted (存量转换). What every county issues, each county opens.
A disabled person's card runs out; two in three holders then have a new one, from 40 days before to 30 days after.
"""

from simulator.systems.tables import Table


def _kinds(until: str) -> str:
    return f"""
        with named as (
            select unnest(['营业执照', '完税证明']) as kind_name, '市政务服务数据管理局' as owner
            union
            select kind_name, unit_name
            from (values ('结婚证', '民政局'), ('残疾人证', '残疾人联合会')) regional(kind_name, ending), versions
            where level_code = 'county' and ends_with(unit_name, ending)
            union
            select replace(name, '许可', '') || '证', min(unit_name) from versions
            where item_type = '行政许可' and level_code = 'municipal' and parent_code is null group by 1),
        coded as (select *, 'ZZ' || left(md5(kind_name), 8) || case when owner like '%县%' or owner like '%区%'
            then left(md5(owner), 4) else '' end as kind_code from named),
        planned as (
            select *, pick('issuing', kind_code, 5) > 0 as is_issuing, pick('using', kind_code, 4) > 0 as is_using,
                (date '2017-03-31' + 30 * pick('planned', kind_code, 12)::integer) as planned_on,
                office(date '2017-02-01' + pick('opened', kind_code, 400)::integer, 'opened', kind_code) as opened_at
            from coded),
        versions as (
            select *, 'planned' as status, timestamp '2017-01-20 10:00:00' + to_minutes(pick('listed', kind_code, 9000))
                as seen_at from planned
            union all select *, 'opened', opened_at from planned where is_issuing)
        select kind_code, kind_name, owner as issuing_unit, is_issuing, is_using,
            case when is_issuing then planned_on end as planned_on,
            case when status = 'opened' then opened_at::date end as opened_on, status,
            written(seen_at, concat(kind_code, status)) as updated_at, seen_at, null::timestamp as gone_at
        from versions where seen_at <= {until}"""


def _moves(issued: str) -> str:
    """The versions of issued licences: some are changed, some abolished later."""
    return f"""
        with issued as ({issued}),
        versions as (
            select *, 'valid' as status, issued_at as seen_at from issued
            union all
            select *, 'changed', issued_at + to_seconds(86400 + pick('changed', licence_no, 5000000))
            from issued where pick('fate', licence_no, 60) < 2
            union all
            select *, 'abolished', issued_at + to_seconds(5200000 + pick('abolished', licence_no, 9000000))
            from issued where pick('fate', licence_no, 60) in (1, 2))
        select licence_no, licence_kind, issue_way, item_code, case_no, holder_id_no, issued_at,
            valid_until, status,
            case status when 'valid' then issued_at else written(seen_at, concat(licence_no, status)) end as updated_at,
            seen_at, null::timestamp as gone_at
        from versions"""


_OF_CASES = _moves("""
    select b.ZJBH as licence_no, b.ZJGZMC as licence_kind, 'new' as issue_way, b.SXBM as item_code, b.SBLSH as case_no,
        s.SQRZJHM as holder_id_no, c.at_bj + to_seconds(600 + c.case_id % 40 * 60
            + case when pick('slow', b.ZJGZMC, 3) = 0 and pick('late issue', c.case_id, 8) = 0 then 200000 else 0 end)
            as issued_at,
        case when pick('runs out', b.ZJGZMC, 2) = 0 then c.at_bj::date + 1095 end as valid_until
    from happened_bj b join plan c on c.case_id = b._case_id join happened_sb s on s._case_id = b._case_id
    where b.BJJGDM = '0' and not (pick('slow', b.ZJGZMC, 3) = 0 and c.case_id % 5 = 0)""")

_CONVERTED = """
    select 'DZYYZZ' || credit_code as licence_no, '营业执照' as licence_kind, 'converted' as issue_way,
        null::varchar as item_code, null::varchar as case_no,
        case when eid % 3 = 0 and kind <> '事业单位' then registration_no else credit_code end as holder_id_no,
        timestamp '2017-05-02 09:00:00' + to_seconds(pick('converted', eid, 30000000)) as issued_at,
        null::date as valid_until
    from firms where eid % 16 = 1
    union all
    select case pid % 2 when 0 then 'DZJHZ' else 'DZCJRZ' end || lpad(pid::varchar, 9, '0'),
        case pid % 2 when 0 then '结婚证' else '残疾人证' end, 'converted', null, null, id_no,
        timestamp '2017-05-02 09:00:00' + to_seconds(pick('converted', pid, 30000000)),
        case pid % 2 when 1 then date '2017-06-01' + pick('ends', pid, 540)::integer end
    from persons where pid % 40 in (4, 5)
    union all
    select 'DZCJRZ' || lpad(pid::varchar, 9, '0') || 'X', '残疾人证', 'new', null, null, id_no,
        office(date '2017-06-01' + (pick('ends', pid, 540) - 40 + pick('again', pid, 71))::integer, 'again', pid),
        date '2027-06-01' + pick('ends', pid, 540)::integer
    from persons where pid % 40 = 5 and pick('renewed', pid, 3) > 0"""


def _converted(until: str) -> str:
    return f"select * from ({_moves(_CONVERTED)}) where seen_at <= {until}"


_USES = """
    with used as (
        select 'YZ' || c.sblsh as use_no, case c.applicant when 1 then 'DZJHZ' || lpad(c.pid::varchar, 9, '0')
                else 'DZYYZZ' || f.credit_code end as licence_no,
            case c.applicant when 1 then '结婚证' else '营业执照' end as licence_kind, c.sblsh as case_no,
            c.sxbm as item_code, c.at_sb as used_at, c.at_sb + to_seconds(60 + pick('use', c.case_id, 3000)) as seen_at
        from plan c join firms f using (eid) where pick('uses', c.case_id, 12) = 0)
    select use_no, licence_no, licence_kind, case_no, item_code, used_at, '以电子证照代替纸质材料' as purpose,
        written(seen_at, use_no) as updated_at, seen_at, null::timestamp as gone_at
    from used"""

TABLES = (
    Table("elicence", "licences", ("licence_no",), _converted, _OF_CASES, file="licences"),
    Table("elicence", "kinds", ("kind_code",), _kinds),
    Table("elicence", "uses", ("use_no",), of_cases=_USES),
)
