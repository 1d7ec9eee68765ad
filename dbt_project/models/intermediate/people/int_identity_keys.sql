{{ config(
    materialized='incremental', incremental_strategy='touched', enabled=(target.name != 'exchange'),
    unique_key=['id_no']
) }}
{# Every identifier that any system has written, once, with what it comes down to and its pseudonym. A number is never
   forgotten: who was here once keeps the same name. What a number is follows from the number alone, so that no order of
   loads matters; what only a register knows (an old registration number's owner) is in int_identity_aliases.
   Licence numbers have a pseudonym too: many hold their owner's number. #}
{% set written_in = [
    ['applications', 'applicant_id_no'], ['persons', 'id_no'], ['person_changes', 'id_no'],
    ['person_changes', 'kept_id_no'], ['legal_persons', 'credit_code'], ['legal_persons', 'organisation_code'],
    ['legal_person_changes', 'credit_code'], ['legal_person_changes', 'other_credit_code'],
    ['legal_person_changes', 'registration_no'], ['accounts', 'id_no'], ['licences', 'holder_id_no'],
    ['households', 'householder_id_no'], ['credit_entries', 'credit_code'], ['inspections', 'credit_code'],
    ['projects', 'builder_credit_code'], ['deals', 'winner_credit_code']
] %}
with written as (
    {% for kind, column in written_in -%}
    select {{ written_identifier(column) }} as id_no
    from ({{ staged_rows(kind, [[column, 'string']], named_by=column) }}) as {{ kind }}_{{ column }}
    union all
    {% endfor %}
    select concat('证照 ', licence_no) as id_no
    from ({{ staged_rows('licences', [['licence_no', 'string']], named_by='licence_no') }}) as licence_numbers
),

new_ones as (
    select distinct written.id_no
    from written
    {% if is_incremental() -%}
    left join {{ this }} as held on written.id_no = held.id_no
    where written.id_no is not null and held.id_no is null
    {%- else -%}
    where written.id_no is not null
    {%- endif %}
),

read as (
    select
        id_no,
        {{ citizen_number('id_no') }} as citizen_no
    from new_ones
),

told_apart as (
    select
        id_no,
        citizen_no,
        {{ number_form('id_no', 'citizen_no') }} as number_form
    from read
),

known as (
    select
        id_no,
        number_form,
        {{ is_number_sound('id_no', 'number_form') }} as is_number_sound,
        {{ kind_of_number('number_form') }} as identity_kind,
        case
            when number_form in ('citizen_18', 'citizen_15') then citizen_no
            when number_form in ('credit_code', 'organisation_code') then {{ organisation_number('id_no') }}
            else id_no
        end as identity_no
    from told_apart
)

select
    id_no,
    number_form,
    is_number_sound,
    identity_kind,
    identity_no,
    {{ pseudonym("concat(identity_kind, ' ', identity_no)") }} as identity_key
from known
{% for kind, column in written_in %}{% for model in var('staged').get(kind, []) -%}
-- depends_on: {{ ref(model) }}
{% endfor %}{% endfor %}
