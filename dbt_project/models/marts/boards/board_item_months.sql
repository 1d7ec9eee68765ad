{# The proof of the item metrics, to be read: every item in force in each month, how far it has come and what it declares. #}
with versions as (
    select item_code, item_version, item_name from {{ ref('dim_items') }}
),

items as (
    select
        *,
        {{ format_time('item_month', 'yyyy-MM') }} as month
    from {{ ref('fct_item_months') }}
)

select
    items.month,
    items.item_month as month_on,
    items.item_code,
    versions.item_name,
    {{ subject_in_words('items.subject') }} as subject_name,
    levels.level_name,
    items.county_code,
    counties.region_name as county_name,
    case items.level_code when 'town' then items.region_code end as town_code,
    items.unit_code,
    units.unit_name,
    items.is_settled and items.is_implementing as is_counted,
    case when items.is_full_online then '是' else '否' end as full_online,
    case when items.is_visits_unknown then '不明' when items.is_visits_at_most_one then '是' else '否' end as visits_at_most_one,
    case when items.is_visits_unknown then '不明' when items.is_visits_zero then '是' else '否' end as visits_zero,
    items.online_depth,
    items.visit_limit,
    case items.system_kind when 'platform' then '统一平台' when 'own' then '部门自建系统' when 'vertical' then '垂直系统' else '未知' end as system_name,
    case
        when items.is_code_published then '5 已赋码发布'
        when items.is_review_passed then '4 审查已通过'
        when items.is_standard_entered then '3 标准已录入'
        when items.is_catalogue_confirmed then '2 目录已确认'
        else '1 目录未确认'
    end as stage_name
from items
left join versions on items.item_code = versions.item_code and items.item_version = versions.item_version
left join {{ ref('dim_units') }} as units on items.unit_code = units.unit_code
left join {{ ref('dim_regions') }} as counties on items.county_code = counties.region_code
left join {{ ref('dim_levels') }} as levels on items.level_code = levels.level_code
