{{ config(materialized='incremental', incremental_strategy='touched', unique_key=['case_no']) }}

with records as (
    select * from {{ ref('int_applications_deduplicated') }}
    {{ touched() }}
),

items as (
    select * from {{ ref('int_items_effective') }}
),

known_items as (
    select item_code from {{ ref('int_items_effective') }} where is_latest
),

units as (
    select own.unit_code, own.region_code, region.statutory_code
    from {{ ref('units') }} as own
    left join {{ ref('regions') }} as region on own.region_code = region.region_code
),

repeated as (
    {{ crowded('applicant_item_day', 1) }}
),

bulks as (
    {{ crowded('unit_second', var('context_thresholds')['bulk_entry_cases'] - 1) }}
),

contexted as (
    select
        records.*,
        records.unit_code as case_unit_code,
        known_items.item_code is not null as ctx_item_is_known,
        case when records.applied_at is not null then items.item_code is not null end as ctx_item_is_valid,
        records.region_code in (
            select known.region_code from {{ ref('regions') }} as known
            union
            select known.statutory_code from {{ ref('regions') }} as known where known.statutory_code is not null
        ) as ctx_region_is_known,
        records.region_code = units.region_code or records.region_code = units.statutory_code as ctx_region_is_units,
        repeated.application_count is null as ctx_is_only_application_that_day,
        bulks.application_count is null as ctx_is_entered_singly
    from records
    left join known_items on records.item_code = known_items.item_code
    left join items
        on records.item_code = items.item_code
        and cast(records.applied_at as date) >= items.applies_from
        and cast(records.applied_at as date) < items.applies_until
    left join units on records.unit_code = units.unit_code
    left join repeated
        on {% for part, expression in neighbourhood('applicant_item_day', 'records', neighbour_columns()) %}{{ 'and ' if not loop.first }}{{ expression }} = repeated.{{ part }} {% endfor %}
    left join bulks
        on {% for part, expression in neighbourhood('unit_second', 'records', neighbour_columns()) %}{{ 'and ' if not loop.first }}{{ expression }} = bulks.{{ part }} {% endfor %}
)

{{ exchange_record('applications', 'contexted') }}
