{{ config(
    materialized='incremental', incremental_strategy='touched', unique_key=['licence_key'], meta={'replaces': 'licences'}
) }}
{# 「同步签发」：电子证照与纸质结果同一天，即签发日期等于办结日期。存量转换的没有办件，不论同步。 #}
{% set touched_licences = ref('int_touched_licences') %}
{% set is_restricted = is_incremental() and target.type == 'duckdb' %}
with licences as (
    select * from {{ ref('int_licences_latest') }}
    {% if is_restricted -%}
    where licence_no in (select those.licence_no from {{ touched_licences }} as those where those.licence_no >= '')
    {%- endif %}
),

uses as (
    select
        licence_no,
        cast(count(*) as int) as use_count,
        cast(min(used_at) as date) as first_used_on,
        cast(max(used_at) as date) as last_used_on
    from {{ ref('int_licence_uses_latest') }}
    {% if is_restricted -%}
    where licence_no in (select those.licence_no from {{ touched_licences }} as those where those.licence_no >= '')
    {%- endif %}
    group by licence_no
),

cases as (
    select case_no, unit_code, region_code, county_code, closed_at
    from {{ ref('fct_cases') }}
    {% if is_restricted -%}
    where case_no in (select licences.case_no from licences where licences.case_no >= '')
    {%- endif %}
),

kinds as (
    select
        kind_name,
        min(kind_code) as kind_code
    from {{ ref('int_licence_kinds_latest') }}
    group by kind_name
)

select
    numbers.identity_key as licence_key,
    licences.licence_kind,
    kinds.kind_code,
    licences.issue_way,
    licences.case_no,
    licences.item_code,
    cases.unit_code,
    cases.region_code,
    cases.county_code,
    case when identities.owner_kind = 'person' then identities.owner_key end as person_key,
    case when identities.owner_kind = 'legal_person' then identities.owner_key end as legal_person_key,
    licences.issued_at,
    licences.valid_until,
    cast(cases.closed_at as date) as closed_on,
    cast(licences.issued_at as date) = cast(cases.closed_at as date) as is_in_step,
    licences.status,
    coalesce(licences.status <> 'abolished', true) as is_valid,
    coalesce(uses.use_count, 0) as use_count,
    uses.first_used_on,
    uses.last_used_on
from licences
inner join {{ ref('int_identity_keys') }} as numbers on concat('证照 ', licences.licence_no) = numbers.id_no
left join {{ ref('int_identities') }} as identities
    on {{ written_identifier('licences.holder_id_no') }} = identities.id_no
left join kinds on licences.licence_kind = kinds.kind_name
left join cases on licences.case_no = cases.case_no
left join uses on licences.licence_no = uses.licence_no
