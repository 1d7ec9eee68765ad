{{ config(
    materialized='incremental', incremental_strategy='touched', enabled=(target.name != 'exchange'),
    unique_key=['case_no']
) }}
{# Who applied for a case. Beside the touched cases, those whose applicant's number stands for another, or did at the
   last run, are computed anew: that changes without any record of the case. #}
{% set of_this_run = touched_now() %}
{% if is_incremental() %}
with computed as (
    {{ of_this_run }}
    union
    select case_no
    from {{ this }}
    where is_number_replaced
    union
    select case_no
    from {{ this }}
    where identity_key in (select aliases.identity_key from {{ ref('int_identity_aliases') }} as aliases where aliases.identity_key >= '')
),

{% else %}
with
{% endif %}
applications as (
    select
        application_no as case_no,
        case_month,
        applicant_type,
        applicant_name,
        {{ written_identifier('applicant_id_no') }} as id_no
    from {{ ref('int_applications_deduplicated') }}
    {% if is_incremental() -%}
    where application_no in (select computed.case_no from computed where computed.case_no >= '')
    {%- endif %}
)

select
    applications.case_no,
    applications.case_month,
    applications.applicant_type,
    applications.applicant_name,
    applications.id_no,
    identities.identity_key,
    identities.number_form,
    coalesce(identities.is_number_sound, false) as is_number_sound,
    coalesce(identities.is_number_replaced, false) as is_number_replaced,
    coalesce(identities.owner_kind, 'unknown') as applicant_kind,
    identities.owner_key as applicant_key
from applications
left join {{ ref('int_identities') }} as identities on applications.id_no = identities.id_no
-- depends_on: {{ ref('int_identity_aliases') }}
-- who it was before this run is asked first: {{ ref('int_touched_identities') }}
