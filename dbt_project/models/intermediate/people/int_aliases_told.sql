{{ config(materialized='table', enabled=(target.name != 'exchange')) }}
{# Numbers that a register says are somebody else's: an entry that was struck off as a duplicate, a registration number
   from before the unified code. Built anew each time: it is small, and what a register takes back is taken back. #}
with said as (
    select
        {{ written_identifier('id_no') }} as id_no,
        {{ written_identifier('kept_id_no') }} as stands_for_no,
        changed_at,
        change_no
    from {{ ref('int_person_changes_latest') }}
    where kept_id_no is not null
    union all
    select
        {{ written_identifier('registration_no') }} as id_no,
        {{ written_identifier('credit_code') }} as stands_for_no,
        changed_at,
        change_no
    from {{ ref('int_legal_person_changes_latest') }}
    where registration_no is not null
),

keyed as (
    select
        those.identity_key,
        owners.identity_kind,
        owners.identity_key as stands_for_key,
        row_number() over (
            partition by those.identity_key
            order by said.changed_at desc nulls last, said.change_no desc, owners.identity_key asc
        ) as place
    from said
    inner join {{ ref('int_identity_keys') }} as those on said.id_no = those.id_no
    inner join {{ ref('int_identity_keys') }} as owners on said.stands_for_no = owners.id_no
    where those.identity_key <> owners.identity_key
),

one_step as (
    select
        identity_key,
        identity_kind,
        stands_for_key
    from keyed
    where place = 1
),

{% for earlier, later in [('one_step', 'two_steps'), ('two_steps', 'four_steps'), ('four_steps', 'eight_steps')] -%}
{{ later }} as (
    select
        near.identity_key,
        coalesce(far.identity_kind, near.identity_kind) as identity_kind,
        coalesce(far.stands_for_key, near.stands_for_key) as stands_for_key
    from {{ earlier }} as near
    left join {{ earlier }} as far on near.stands_for_key = far.identity_key
),

{% endfor -%}

-- 互相指认、或指认超过八层的，不作归并。
final as (
    select
        reached.identity_key,
        reached.identity_kind,
        reached.stands_for_key
    from eight_steps as reached
    left join one_step as onward on reached.stands_for_key = onward.identity_key
    where onward.identity_key is null
)

select * from final
