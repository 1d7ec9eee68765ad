{{ config(materialized='table', enabled=(target.name != 'exchange')) }}
{# Numbers that stand for another since this run, or no longer, or for another one than before. It looks at
   int_identity_aliases as the last build left it, so by name. #}
{% set held = adapter.get_relation(this.database, this.schema, 'int_identity_aliases') %}
select
    coalesce(told.identity_key, held.identity_key) as identity_key,
    held.stands_for_key as stood_for_key,
    held.identity_kind as stood_for_kind
from {{ ref('int_aliases_told') }} as told
full join {{ held or ref('int_aliases_told') }} as held on told.identity_key = held.identity_key
where told.stands_for_key is distinct from held.stands_for_key
