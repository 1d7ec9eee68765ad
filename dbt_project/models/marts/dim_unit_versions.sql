{{ config(tags=['static']) }}
{# Every day has exactly one row of a unit that the site ever named: its version of that day, or, where it had ended with
   a successor, the successor's. Chains of successors are followed three times: no unit is merged more often. #}
{% set hops = [1, 2, 3] %}
with placed as (
    select
        *,
        lead(valid_from) over (partition by unit_code order by valid_from asc nulls first) as next_valid_from,
        row_number() over (partition by unit_code order by valid_from asc nulls first) as place
    from {{ ref('units') }}
),

own as (
    select
        unit_code,
        unit_code as counts_as_code,
        case when place = 1 then cast('1900-01-01' as date) else valid_from end as since,
        coalesce(
            next_valid_from,
            case when successor_code is not null then valid_to end,
            cast('9999-12-31' as date)
        ) as until,
        case when next_valid_from is null then successor_code end as successor_code,
        unit_name,
        level_code,
        region_code,
        parent_unit_code
    from placed
),

ended_0 as (
    select unit_code, until as ended_on, successor_code
    from own
    where successor_code is not null
),

{% for hop in hops -%}
taken_over_{{ hop }} as (
    select
        ended.unit_code,
        heir.counts_as_code,
        greatest(heir.since, ended.ended_on) as since,
        heir.until,
        heir.unit_name,
        heir.level_code,
        heir.region_code,
        heir.parent_unit_code
    from ended_{{ hop - 1 }} as ended
    inner join own as heir on ended.successor_code = heir.unit_code and ended.ended_on < heir.until
),

ended_{{ hop }} as (
    select
        ended.unit_code,
        greatest(ended.ended_on, later.ended_on) as ended_on,
        later.successor_code
    from ended_{{ hop - 1 }} as ended
    inner join ended_0 as later on ended.successor_code = later.unit_code
),

{% endfor -%}
spans as (
    select unit_code, counts_as_code, since, until, unit_name, level_code, region_code, parent_unit_code
    from own
    {% for hop in hops -%}
    union all
    select unit_code, counts_as_code, since, until, unit_name, level_code, region_code, parent_unit_code
    from taken_over_{{ hop }}
    {% endfor %}
)

select
    spans.unit_code,
    greatest(spans.since, coalesce(regions.applies_from, spans.since)) as applies_from,
    least(spans.until, coalesce(regions.applies_until, spans.until)) as applies_until,
    spans.counts_as_code,
    spans.unit_name,
    spans.level_code,
    spans.region_code,
    regions.county_code,
    spans.parent_unit_code
from spans
left join {{ ref('dim_region_versions') }} as regions
    on spans.region_code = regions.region_code
    and spans.since < regions.applies_until
    and spans.until > regions.applies_from
