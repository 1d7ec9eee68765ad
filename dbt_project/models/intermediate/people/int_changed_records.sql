{{ config(materialized='table', enabled=(target.name != 'exchange')) }}
{# Which records that name somebody this run's loads change, take away or bring: as they are now, and whom they named
   before. It looks at int_owner_records as the last build left it, so by name; a full build has none. #}
{% set held = adapter.get_relation(this.database, this.schema, 'int_owner_records') %}
{% set keys = {} %}
{% for role, kind, key, column in owner_roles() %}{% do keys.update({kind: key}) %}{% endfor %}
{% if held and not flags.FULL_REFRESH %}
with
{% for kind, key in keys.items() %}
arrived_{{ kind }} as (
    select distinct {{ key }} as record_key
    from ({{ staged_rows(kind, [[key, 'string']], named_by=key) }}) as staged
),

{% endfor %}
now_written as (
    {{ written_records(among='arrived') }}
),

shown_whole as (
    {% for role, kind, key, column in owner_roles() -%}
    select '{{ role }}' as owner_role
    where exists ({{ shown_whole('int_' ~ kind ~ '_latest') }})
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

arrived_alone as (
    {% for role, kind, key, column in owner_roles() -%}
    select '{{ role }}' as owner_role, record_key from arrived_{{ kind }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

arrived as (
    select * from arrived_alone
    where owner_role not in (select whole.owner_role from shown_whole as whole)
),

before as (
    select held.owner_role, held.record_key, held.id_no, held.identity_key, held.identity_kind, held._load_id, held._row_hash
    from {{ held }} as held
    inner join arrived on held.owner_role = arrived.owner_role and held.record_key = arrived.record_key
    union all
    select held.owner_role, held.record_key, held.id_no, held.identity_key, held.identity_kind, held._load_id, held._row_hash
    from {{ held }} as held
    where held.owner_role in (select whole.owner_role from shown_whole as whole)
),

-- 同一次到达的同一行，内容不会不同。
changed as (
    select
        coalesce(now_written.owner_role, before.owner_role) as owner_role,
        coalesce(now_written.record_key, before.record_key) as record_key,
        now_written.record_key is null as is_gone,
        now_written.id_no,
        now_written._load_id,
        now_written._row_hash,
        before.id_no as id_no_before,
        before.identity_key as identity_key_before,
        before.identity_kind as identity_kind_before
    from now_written
    full join before on now_written.owner_role = before.owner_role and now_written.record_key = before.record_key
    where
        now_written.record_key is null
        or before.record_key is null
        or now_written._row_hash is distinct from before._row_hash
        or now_written._load_id is distinct from before._load_id
)

select
    changed.owner_role,
    changed.record_key,
    changed.is_gone,
    changed.id_no,
    keys.identity_key,
    keys.identity_kind,
    keys.number_form,
    keys.is_number_sound,
    changed._load_id,
    changed._row_hash,
    changed.id_no_before,
    changed.identity_key_before,
    changed.identity_kind_before
from changed
left join {{ ref('int_identity_keys') }} as keys on {{ named_number('changed') }} = keys.id_no
{% else %}
select
    cast(null as string) as owner_role,
    cast(null as string) as record_key,
    cast(null as boolean) as is_gone,
    cast(null as string) as id_no,
    cast(null as string) as identity_key,
    cast(null as string) as identity_kind,
    cast(null as string) as number_form,
    cast(null as boolean) as is_number_sound,
    cast(null as string) as _load_id,
    cast(null as bigint) as _row_hash,
    cast(null as string) as id_no_before,
    cast(null as string) as identity_key_before,
    cast(null as string) as identity_kind_before
where 1 = 0
{% endif %}
-- depends_on: {{ ref('int_identity_keys') }}
{% for kind in keys %}
-- depends_on: {{ ref('int_' ~ kind ~ '_latest') }}
{% for model in var('staged').get(kind, []) -%}
-- depends_on: {{ ref(model) }}
{% endfor %}{% endfor %}
