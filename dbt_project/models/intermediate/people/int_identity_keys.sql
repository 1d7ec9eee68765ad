{{ config(
    materialized='incremental', incremental_strategy='touched', enabled=(target.name != 'exchange'),
    unique_key=['id_no']
) }}
{# Every identifier that any system has written, once, with what it comes down to and its pseudonym. A number is never
   forgotten: who was here once keeps the same name. #}
{% set written_in = [
    ['applications', 'applicant_id_no'], ['persons', 'id_no'], ['person_changes', 'id_no'],
    ['person_changes', 'kept_id_no'], ['legal_persons', 'credit_code'], ['legal_persons', 'organisation_code'],
    ['legal_person_changes', 'credit_code'], ['legal_person_changes', 'other_credit_code'], ['accounts', 'id_no'],
    ['licences', 'holder_id_no'], ['households', 'householder_id_no'], ['credit_entries', 'credit_code'],
    ['inspections', 'credit_code'], ['projects', 'builder_credit_code'], ['deals', 'winner_credit_code']
] %}
with written as (
    {% for kind, column in written_in -%}
    select {{ written_identifier(column) }} as id_no
    from ({{ staged_rows(kind, [[column, 'string']], named_by=column) }}) as {{ kind }}_{{ column }}
    {% if not loop.last %}union{% endif %}
    {% endfor %}
),

new_ones as (
    select written.id_no
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
        {{ citizen_number('id_no') }} as citizen_no,
        {{ organisation_number('id_no') }} as organisation_no
    from new_ones
),

-- 两种号码形状相同：公民身份号码须有出生日期且校验位相符，否则是单位的。
told_apart as (
    select
        id_no,
        case
            when citizen_no is not null and substr(citizen_no, 18, 1) = {{ citizen_check_digit('citizen_no') }} then 'person'
            when organisation_no is not null then 'legal_person'
            when citizen_no is not null then 'person'
            else 'unknown'
        end as identity_kind,
        citizen_no,
        organisation_no
    from read
),

known as (
    select
        id_no,
        identity_kind,
        case identity_kind
            when 'person' then citizen_no
            when 'legal_person' then organisation_no
            else id_no
        end as identity_no
    from told_apart
)

select
    id_no,
    identity_kind,
    identity_no,
    {{ pseudonym("concat(identity_kind, ' ', identity_no)") }} as identity_key
from known
{% for kind, column in written_in %}{% for model in var('staged').get(kind, []) -%}
-- depends_on: {{ ref(model) }}
{% endfor %}{% endfor %}
