"""What do people say of the hall? Complaints, questions and ratings, each with what became of it.

A question that turns out to be an advertisement is taken off the board. What nobody rates, a job rates with five stars.
"""

from simulator.systems.tables import Table

_COMPLAINTS = """
    with filed as (
        select 'TS' || c.sblsh as complaint_no, c.sblsh as case_no, v.unit_code, concat('complaint', c.case_id) as id,
            office(c.at_sb::date + (1 + pick('complains', c.case_id, 25))::integer, 'complains', c.case_id) as filed_at
        from plan c join versions v using (vid) where pick('complaint', c.case_id, 250) = 0),
    versions as (
        select *, 'registered' as status, filed_at + interval 2 minute as seen_at from filed
        union all select *, 'assigned', filed_at + to_seconds(3600 + pick('assigned', id, 80000)) from filed
        union all select *, 'handled', filed_at + to_seconds(100000 + pick('handled', id, 900000)) from filed
            where pick('handles', id, 12) > 0)
    select complaint_no, case_no, unit_code, ['业务投诉', '行政服务投诉'][1 + pick('kind', id, 2)] as complaint_kind,
        ['电话', '网站', '微信', '来访'][1 + pick('way', id, 4)] as channel, filed_at, status,
        case when status = 'handled' then seen_at end as handled_at,
        case when status = 'handled' then ['属实', '部分属实', '不属实'][1 + pick('finding', id, 3)] end as finding,
        written(seen_at, concat(complaint_no, status)) as updated_at, seen_at, null::timestamp as gone_at
    from versions"""

_QUESTIONS = """
    with asked as (
        select 'ZX' || c.sblsh as question_no, c.sxbm as item_code, v.unit_code, c.case_id as id,
            c.at_sb - to_seconds(600 + pick('before', c.case_id, 90000)) as asked_at,
            c.seen_sb as shown_at
        from plan c join versions v using (vid) where pick('question', c.case_id, 100) = 0),
    versions as (
        select *, 'open' as status, shown_at as seen_at from asked
        union all select *, 'answered', shown_at + to_seconds(1800 + pick('answered', id, 900000)) from asked
            where pick('answers', id, 15) > 0)
    select question_no, item_code, unit_code, asked_at, status,
        case when status = 'answered' then seen_at end as answered_at,
        written(seen_at, concat(question_no, status)) as updated_at, seen_at,
        case when pick('answers', id, 15) = 0 then shown_at + to_seconds(86400 + pick('removed', id, 2000000)) end
            as gone_at
    from versions"""

_RATINGS = """
    with rated as (
        select 'PJ' || c.sblsh as rating_no, c.sblsh as case_no, v.unit_code, c.case_id as id,
            c.at_bj + to_seconds(300 + pick('rates', c.case_id, 1700000)) as rated_at
        from plan c join versions v using (vid) where c.at_bj is not null and pick('rating', c.case_id, 20) = 0),
    versions as (
        select *, 1 as edition, rated_at + interval 20 second as seen_at from rated
        union all select *, 2, rated_at + interval 3 day from rated where pick('again', id, 40) = 0)
    select rating_no, case_no, unit_code, case when pick('filled in', id, 7) = 0 then 5
            else 5 - least(pick('score', concat(id, edition), 12) // 4
            + case pick('bad', id, 11) when 0 then 2 else 0 end, 4) end::integer as score,
        case when pick('filled in', id, 7) = 0 then '系统默认'
            else ['窗口评价器', '网站', '手机', '短信'][1 + pick('rating way', id, 4)] end as rating_way, rated_at,
        written(seen_at, concat(rating_no, edition)) as updated_at, seen_at, null::timestamp as gone_at
    from versions"""

TABLES = (
    Table("complaints_and_ratings", "complaints", ("complaint_no",), of_cases=_COMPLAINTS),
    Table("complaints_and_ratings", "questions", ("question_no",), of_cases=_QUESTIONS),
    Table("complaints_and_ratings", "ratings", ("rating_no",), of_cases=_RATINGS),
)
