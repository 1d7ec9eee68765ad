{{ config(
    materialized='incremental', incremental_strategy='touched', enabled=(target.name != 'exchange'),
    unique_key=['owner_role', 'record_key'], meta={'replaces': 'changed_records'}
) }}
{# Whom the records name that count today, as far as they are no part of a case (those are in int_case_applicants).
   Nothing here depends on what a register says of a number, so that it changes with the records alone. #}
{% set changed_records = ref('int_changed_records') %}
{% if is_incremental() and target.type == 'duckdb' %}
select
    owner_role,
    record_key,
    id_no,
    identity_key,
    identity_kind,
    number_form,
    is_number_sound,
    _load_id,
    _row_hash
from {{ changed_records }}
where not is_gone
{% else %}
select
    written.owner_role,
    written.record_key,
    written.id_no,
    keys.identity_key,
    keys.identity_kind,
    keys.number_form,
    keys.is_number_sound,
    written._load_id,
    written._row_hash
from (
    {{ written_records() }}
) as written
left join {{ ref('int_identity_keys') }} as keys on {{ named_number('written') }} = keys.id_no
{% endif %}
