{{ config(materialized='table', enabled=(target.name != 'exchange'), meta={'moves_with': 'news'}) }}
{# The licences that this run must compute anew: those that came, changed or went, whose use did, whose case was touched,
   whose holder's number stands for another since, and whose kind has another code. It looks at fct_licences as the last
   build left it, so by name; a full build has none, as it computes all. #}
{% set held_licences = adapter.get_relation('marts', 'main', 'fct_licences') %}
{% if held_licences and not flags.FULL_REFRESH %}
with cases as (
    {{ touched_now() }}
    union
    {{ removed_cases() }}
),

kinds as (
    select
        kind_name,
        min(kind_code) as kind_code
    from {{ ref('int_licence_kinds_latest') }}
    group by kind_name
),

held_kinds as (
    select distinct licence_kind, kind_code from {{ held_licences }}
),

other_kinds as (
    select held_kinds.licence_kind
    from held_kinds
    left join kinds on held_kinds.licence_kind = kinds.kind_name
    where held_kinds.kind_code is distinct from kinds.kind_code
),

named as (
    select concat('证照 ', record_key) as id_no from {{ ref('int_changed_records') }}
    where owner_role = 'licence'
    union
    select id_no from {{ ref('int_changed_records') }}
    where owner_role = 'licence_use'
    union
    select id_no_before as id_no from {{ ref('int_changed_records') }}
    where owner_role = 'licence_use'
    union
    select concat('证照 ', licence_no) as id_no from {{ ref('int_licences_latest') }}
    where case_no in (select cases.case_no from cases where cases.case_no >= '')
    union
    select concat('证照 ', licence_no) as id_no from {{ ref('int_licences_latest') }}
    where licence_kind in (select other_kinds.licence_kind from other_kinds where other_kinds.licence_kind >= '')
    union
    select concat('证照 ', record_key) as id_no from {{ ref('int_owner_records') }}
    where
        owner_role = 'licence'
        and identity_key in (select aliases.identity_key from {{ ref('int_changed_aliases') }} as aliases where aliases.identity_key >= '')
)

select
    substr(keys.id_no, 4) as licence_no,
    keys.identity_key as licence_key
from {{ ref('int_identity_keys') }} as keys
where keys.id_no in (select named.id_no from named where named.id_no >= '')
{% else %}
select cast(null as string) as licence_no, cast(null as string) as licence_key
where 1 = 0
{% endif %}
-- depends_on: {{ ref('int_touched_cases') }}, {{ ref('int_licence_kinds_latest') }}, {{ ref('int_changed_records') }}
-- depends_on: {{ ref('int_licences_latest') }}, {{ ref('int_owner_records') }}, {{ ref('int_changed_aliases') }}
-- depends_on: {{ ref('int_identity_keys') }}, {{ source('run', 'context') }}, {{ source('run', 'removed_cases') }}
