{{ config(materialized='view') }}
{# A view: the cases and items behind the official figures, in words. A reader names a metric, and only its own branch is
   read. As in metric_proofs, chains of forwarded cases are not told apart. #}
with rows_behind as (
    {% for definition in definitions_of() if definition.is_official and definition.grain in ('case', 'item') -%}
    {%- set about = var('metric_grains')[definition.grain] -%}
    {%- set of_case = definition.grain == 'case' -%}
    select
        '{{ definition.code }}' as metric_code,
        '{{ definition.name }}' as metric_name,
        {{ about.month }} as month_on,
        {{ about.thing }} as thing,
        case when {{ (definition.population + definition.numerator) | unique | join(' and ') }} then '是' else '否' end as in_numerator,
        item_code,
        unit_code,
        region_code,
        level_code,
        county_code,
        {{ 'channel_code' if of_case else 'cast(null as string)' }} as channel_code,
        {{ 'applied_at' if of_case else 'cast(null as timestamp)' }} as applied_at,
        {{ 'accepted_at' if of_case else 'cast(null as timestamp)' }} as accepted_at,
        {{ 'closed_at' if of_case else 'cast(null as timestamp)' }} as closed_at,
        {{ 'visit_count' if of_case else 'visit_limit' }} as visit_count,
        {{ 'handling_working_days' if of_case else 'cast(null as int)' }} as handling_working_days
    from {{ ref(about.fact) }}
    where {{ definition.population | join(' and ') }} and subject = '{{ definition.subject }}'
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

names as (
    select item_code, item_name from {{ ref('dim_items') }} where is_latest
),

levels as (
    select * from {{ ref('dim_levels') }}
)

select
    rows_behind.metric_code,
    rows_behind.metric_name,
    {{ format_time('rows_behind.month_on', 'yyyy-MM') }} as month,
    rows_behind.thing,
    rows_behind.in_numerator,
    rows_behind.item_code,
    names.item_name,
    levels.level_name,
    rows_behind.county_code,
    counties.region_name as county_name,
    case rows_behind.level_code when 'town' then rows_behind.region_code end as town_code,
    rows_behind.unit_code,
    units.unit_name,
    channels.channel_name,
    rows_behind.applied_at,
    rows_behind.accepted_at,
    rows_behind.closed_at,
    rows_behind.visit_count,
    rows_behind.handling_working_days
from rows_behind
left join names on rows_behind.item_code = names.item_code
left join levels on rows_behind.level_code = levels.level_code
left join {{ ref('dim_regions') }} as counties on rows_behind.county_code = counties.region_code
left join {{ ref('dim_units') }} as units on rows_behind.unit_code = units.unit_code
left join {{ ref('dim_channels') }} as channels on rows_behind.channel_code = channels.channel_code
