{{ config(materialized='table', enabled=(target.name != 'exchange'), meta={'moves_with': 'day'}) }}
{# The touched owners again, and everybody who has had a birthday since the last build. It looks at int_persons as the
   last build left it, so by name. #}
{% set held = adapter.get_relation(this.database, this.schema, 'int_persons') %}
select identity_key, owner_kind, owner_key
from {{ ref('int_touched_identities') }}
{% if held and not flags.FULL_REFRESH %}
union
select born.identity_key, coalesce(told.identity_kind, 'person') as owner_kind, coalesce(told.stands_for_key, born.identity_key) as owner_key
from (
    select persons.owner_key as identity_key
    from {{ held }} as persons
    cross join {{ source('run', 'context') }} as context
    where persons.age_years <> {{ age_on('persons.born_on', 'context.as_of') }}
    union
    select others.identity_key
    from {{ held }} as persons
    inner join {{ ref('int_aliases_told') }} as others on persons.owner_key = others.stands_for_key
    cross join {{ source('run', 'context') }} as context
    where persons.age_years <> {{ age_on('persons.born_on', 'context.as_of') }}
) as born
left join {{ ref('int_aliases_told') }} as told on born.identity_key = told.identity_key
{% endif %}
-- depends_on: {{ ref('int_aliases_told') }}, {{ source('run', 'context') }}
