{{ config(materialized='incremental', incremental_strategy='touched', unique_key=['case_no']) }}
{# Beside the touched cases, those whose applicant's number is replaced by another, now or when the table was last
   written. #}
{% set of_this_run = touched_now() %}
{% if is_incremental() %}
with computed as (
    {{ of_this_run }}
    union
    select case_no
    from {{ ref('int_case_applicants') }}
    where is_number_replaced
    union
    select held.case_no
    from {{ this }} as held
    where held.is_number_replaced
)

{% endif %}
select
    case_no,
    case_month,
    applicant_type,
    applicant_kind,
    case when applicant_kind = 'person' then applicant_key end as person_key,
    case when applicant_kind = 'legal_person' then applicant_key end as legal_person_key,
    number_form,
    is_number_sound,
    is_number_replaced,
    coalesce(
        (applicant_type = '1' and applicant_kind = 'legal_person')
        or (applicant_type <> '1' and applicant_kind = 'person'),
        false
    ) as is_kind_conflicting
from {{ ref('int_case_applicants') }}
{% if is_incremental() -%}
where case_no in (select computed.case_no from computed where computed.case_no >= '')
{%- endif %}
