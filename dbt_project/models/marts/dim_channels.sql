{{ config(tags=['static']) }}

select
    channel_code,
    channel_name,
    sort_order
from {{ ref('channels') }}
{% for code, title in var('site_channels').items() -%}
union all
select
    '{{ code }}' as channel_code,
    '{{ title }}' as channel_name,
    cast({{ 10 + loop.index }} as int) as sort_order
{% endfor -%}
