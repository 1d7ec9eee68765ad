{{ config(materialized='table', enabled=(target.name != 'exchange')) }}
{# int_identity_keys never forgets a number; these are the ones that a row that counts today is written under. #}
{% set written_in = [
    ['int_persons_latest', 'id_no'], ['int_person_changes_latest', 'id_no'], ['int_person_changes_latest', 'kept_id_no'],
    ['int_legal_persons_latest', 'credit_code'], ['int_legal_persons_latest', 'organisation_code'],
    ['int_legal_person_changes_latest', 'credit_code'], ['int_legal_person_changes_latest', 'other_credit_code'],
    ['int_legal_person_changes_latest', 'registration_no'], ['int_accounts_latest', 'id_no'],
    ['int_licences_latest', 'holder_id_no'], ['int_households_latest', 'householder_id_no'],
    ['int_credit_entries_latest', 'credit_code'], ['int_inspections_latest', 'credit_code'],
    ['int_projects_latest', 'builder_credit_code'], ['int_deals_latest', 'winner_credit_code']
] %}
with written as (
    {% for model, column in written_in -%}
    select {{ written_identifier(column) }} as id_no
    from {{ ref(model) }}
    union all
    {% endfor %}
    select id_no
    from {{ ref('int_case_applicants') }}
),

used as (
    select distinct id_no from written
)

select
    identities.id_no,
    identities.number_form,
    identities.is_number_sound,
    identities.is_number_replaced,
    identities.identity_no,
    identities.owner_kind,
    identities.owner_key
from used
inner join {{ ref('int_identities') }} as identities on used.id_no = identities.id_no
