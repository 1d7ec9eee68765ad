{{ config(materialized='view', enabled=(target.name != 'exchange')) }}

select
    keys.id_no,
    keys.number_form,
    keys.is_number_sound,
    keys.identity_no,
    keys.identity_key,
    aliases.identity_key is not null as is_number_replaced,
    coalesce(aliases.identity_kind, keys.identity_kind) as owner_kind,
    coalesce(aliases.stands_for_key, keys.identity_key) as owner_key
from {{ ref('int_identity_keys') }} as keys
left join {{ ref('int_identity_aliases') }} as aliases on keys.identity_key = aliases.identity_key
