-- 企业数取不晚于当月的最近一期；年鉴数字固定不变。旧区划按种子表 former_regions 折算到今天的区划；全域为各县区之和。
with published as (
    select
        'enterprises' as figure_code,
        cast({{ parse_time("concat(month, '-01')", 'yyyy-MM-dd') }} as date) as published_month,
        {{ region_code('region_code') }} as region_code,
        cast(enterprise_count as decimal(18, 6)) as figure_value,
        _load_id as load_id
    from {{ ref('int_enterprise_counts_latest') }}
    union all
    select
        names.figure_code,
        cast(null as date) as published_month,
        {{ region_code('figures.region_code') }} as region_code,
        cast(figures.figure_value as decimal(18, 6)) as figure_value,
        figures._load_id as load_id
    from {{ ref('int_yearbook_figures_latest') }} as figures
    inner join {{ ref('reference_names') }} as names on figures.figure = names.published_name
),

todays as (
    select
        published.figure_code,
        published.published_month,
        coalesce(former.successor_code, published.region_code) as region_code,
        sum(published.figure_value * coalesce(former.share, 1)) as figure_value,
        max(published.load_id) as load_id
    from published
    left join {{ ref('former_regions') }} as former on published.region_code = former.region_code
    group by
        published.figure_code,
        published.published_month,
        coalesce(former.successor_code, published.region_code)
),

places as (
    select
        figure_code,
        published_month,
        case when region_code = '{{ var('division') }}' then 'city' else 'region' end as scope_kind,
        region_code as scope_code,
        figure_value,
        load_id
    from todays
    union all
    -- 没有单独公布全域数字的，取各县区之和。
    select
        counties.figure_code,
        counties.published_month,
        'city' as scope_kind,
        '{{ var('division') }}' as scope_code,
        sum(counties.figure_value) as figure_value,
        max(counties.load_id) as load_id
    from todays as counties
    left join todays as whole
        on whole.region_code = '{{ var('division') }}'
        and counties.figure_code = whole.figure_code
        and counties.published_month is not distinct from whole.published_month
    where whole.figure_code is null
    group by counties.figure_code, counties.published_month
),

followed as (
    select
        places.figure_code,
        places.scope_kind,
        places.scope_code,
        periods.period_start as figure_month,
        places.published_month,
        places.figure_value,
        places.load_id,
        row_number() over (
            partition by places.figure_code, places.scope_kind, places.scope_code, periods.period_start
            order by places.published_month desc nulls last
        ) as place
    from places
    inner join {{ ref('dim_periods') }} as periods
        on periods.period_kind = 'month'
        and (places.published_month is null or places.published_month <= periods.period_start)
)

select
    figure_code,
    scope_kind,
    scope_code,
    figure_month,
    published_month,
    cast(round(figure_value) as bigint) as figure_value,
    load_id
from followed
where place = 1
