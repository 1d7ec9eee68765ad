-- 跨层级转报的办件：同一协同事项中按原办件算一件；分部门的件数照各自的算。
with members as (
    select * from {{ ref('int_joint_items_latest') }}
),

items as (
    select item_code, unit_code from {{ ref('int_items_effective') }}
    where is_latest
),

cases as (
    select case_no, item_code, origin_case_no from {{ ref('fct_cases') }}
    where is_business_volume
),

handled as (
    select
        members.joint_code,
        members.item_code,
        cases.case_no,
        cases.origin_case_no
    from members
    inner join cases on members.item_code = cases.item_code
),

counted as (
    select
        handled.joint_code,
        handled.item_code,
        count(*) as volume,
        count_if(handled.origin_case_no is null or origins.case_no is null) as volume_once
    from handled
    left join handled as origins
        on handled.joint_code = origins.joint_code and handled.origin_case_no = origins.case_no
    group by handled.joint_code, handled.item_code
)

select
    members.joint_code,
    members.item_code,
    members.joint_name,
    members.lead_unit_code,
    items.unit_code,
    coalesce(items.unit_code = members.lead_unit_code, false) as is_lead_units,
    members.is_cross_level,
    members.joined_on,
    cast(coalesce(counted.volume, 0) as bigint) as volume,
    cast(coalesce(counted.volume_once, 0) as bigint) as volume_once
from members
left join items on members.item_code = items.item_code
left join counted on members.joint_code = counted.joint_code and members.item_code = counted.item_code
