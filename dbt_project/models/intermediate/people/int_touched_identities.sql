{{ config(materialized='table', enabled=(target.name != 'exchange'), meta={'moves_with': 'news'}) }}
{# The owners that this run must compute anew, with all numbers that are theirs now: whoever a touched case or a changed
   record names, or named when the last build ended; whose number stands for another since, or no longer; and whose page
   was used. It looks at what changes after it by name, as the last build left it; a full build has none, as it computes
   all. Any of the keys may have had rows of its own before. #}
{% set held_applicants = adapter.get_relation(this.database, this.schema, 'int_case_applicants') %}
{% if held_applicants and not flags.FULL_REFRESH %}
with cases as (
    {{ touched_now() }}
    union
    {{ removed_cases() }}
),

used_pages as (
    select staged.page_id
    from ({{ staged_rows('page_logins', [['page_id', 'string']], named_by='page_id') }}) as staged
    union
    select record_key as page_id from {{ ref('int_changed_records') }}
    where owner_role = 'page'
    union
    select page_id from {{ ref('int_personal_pages_latest') }}
    where exists ({{ shown_whole('int_page_logins_latest') }})
),

accounts as (
    select pages.account_id
    from {{ ref('int_personal_pages_latest') }} as pages
    where pages.page_id in (select used_pages.page_id from used_pages)
    union
    -- 「账号 」三字之后
    select substr(id_no_before, 4) as account_id from {{ ref('int_changed_records') }}
    where owner_role = 'page'
),

numbers as (
    select {{ written_identifier('accounts_latest.id_no') }} as id_no
    from {{ ref('int_accounts_latest') }} as accounts_latest
    where accounts_latest.account_id in (select accounts.account_id from accounts)
    union
    select {{ written_identifier('applications.applicant_id_no') }} as id_no
    from {{ ref('int_applications_deduplicated') }} as applications
    where applications.application_no in (select cases.case_no from cases)
),

named as (
    select keys.identity_key, keys.identity_kind
    from {{ ref('int_identity_keys') }} as keys
    where keys.id_no in (select numbers.id_no from numbers)
    union
    select keys.identity_key, keys.identity_kind
    from {{ ref('int_identity_keys') }} as keys
    where keys.identity_key in (select aliases.identity_key from {{ ref('int_changed_aliases') }} as aliases)
    union
    select identity_key, identity_kind from {{ ref('int_changed_records') }}
    union
    select identity_key_before as identity_key, identity_kind_before as identity_kind from {{ ref('int_changed_records') }}
    union
    select stood_for_key as identity_key, stood_for_kind as identity_kind from {{ ref('int_changed_aliases') }}
    union
    -- Whom a case named before: the number's own kind, whoever it stands for.
    select held.identity_key, {{ kind_of_number('held.number_form') }} as identity_kind
    from {{ held_applicants }} as held
    where held.case_no in (select cases.case_no from cases)
),

owners as (
    select identity_key as owner_key from named
    union
    select told.stands_for_key as owner_key
    from {{ ref('int_aliases_told') }} as told
    where told.identity_key in (select named.identity_key from named)
),

everybody as (
    select named.identity_key, named.identity_kind from named
    union
    select told.identity_key, cast(null as string) as identity_kind
    from {{ ref('int_aliases_told') }} as told
    where told.stands_for_key in (select owners.owner_key from owners)
    union
    select told.stands_for_key as identity_key, told.identity_kind
    from {{ ref('int_aliases_told') }} as told
    where told.identity_key in (select named.identity_key from named)
)

select
    everybody.identity_key,
    coalesce(max(told.identity_kind), max(everybody.identity_kind)) as owner_kind,
    coalesce(max(told.stands_for_key), everybody.identity_key) as owner_key
from everybody
left join {{ ref('int_aliases_told') }} as told on everybody.identity_key = told.identity_key
where everybody.identity_key is not null
group by everybody.identity_key
{% else %}
select cast(null as string) as identity_key, cast(null as string) as owner_kind, cast(null as string) as owner_key
where 1 = 0
{% endif %}
-- depends_on: {{ ref('int_touched_cases') }}, {{ ref('int_changed_records') }}, {{ ref('int_changed_aliases') }}
-- depends_on: {{ ref('int_aliases_told') }}, {{ ref('int_personal_pages_latest') }}, {{ ref('int_accounts_latest') }}
-- depends_on: {{ ref('int_page_logins_latest') }}, {{ ref('int_applications_deduplicated') }}, {{ ref('int_identity_keys') }}
-- depends_on: {{ source('run', 'context') }}, {{ source('run', 'removed_cases') }}, {{ source('run', 'whole_kinds') }}
{% for model in var('staged').get('page_logins', []) -%}
-- depends_on: {{ ref(model) }}
{% endfor %}
