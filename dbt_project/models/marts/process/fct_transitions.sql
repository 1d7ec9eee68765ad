{# Counted from the paths and how many cases went each of them: far fewer rows than the events are. #}
with paths as (
    select
        item_code,
        path,
        event_count,
        case_count
    from {{ ref('fct_item_paths') }}
    where event_count > 1
),

-- 日历的序号当作 1、2、3……用：路径的第几步。
places as (
    select day_no as place from {{ ref('dim_dates') }}
),

pairs as (
    select
        paths.item_code,
        split_part(paths.path, '>', places.place) as from_activity,
        split_part(paths.path, '>', places.place + 1) as to_activity,
        paths.case_count
    from paths
    inner join places on paths.event_count > places.place
)

select
    item_code,
    from_activity,
    to_activity,
    {{ activity_in_words('from_activity') }} as from_activity_name,
    {{ activity_in_words('to_activity') }} as to_activity_name,
    cast(sum(case_count) as bigint) as transition_count
from pairs
group by item_code, from_activity, to_activity
