{# Where records that are no part of a case name a person or legal person: [role, kind, key, column]. A record that names
   several has a role for each. The last ones name a licence or an account instead, by which they lead to somebody. #}
{% macro owner_roles() %}{{ return([
    ['person', 'persons', 'id_no', 'id_no'],
    ['person_change', 'person_changes', 'change_no', 'id_no'],
    ['person_kept', 'person_changes', 'change_no', 'kept_id_no'],
    ['legal_person', 'legal_persons', 'credit_code', 'credit_code'],
    ['legal_person_organisation', 'legal_persons', 'credit_code', 'organisation_code'],
    ['legal_person_change', 'legal_person_changes', 'change_no', 'credit_code'],
    ['legal_person_other', 'legal_person_changes', 'change_no', 'other_credit_code'],
    ['legal_person_registration', 'legal_person_changes', 'change_no', 'registration_no'],
    ['account', 'accounts', 'account_id', 'id_no'],
    ['licence', 'licences', 'licence_no', 'holder_id_no'],
    ['household', 'households', 'household_no', 'householder_id_no'],
    ['credit_entry', 'credit_entries', 'entry_no', 'credit_code'],
    ['inspection', 'inspections', 'inspection_no', 'credit_code'],
    ['project', 'projects', 'project_code', 'builder_credit_code'],
    ['deal', 'deals', 'deal_no', 'winner_credit_code'],
    ['licence_use', 'licence_uses', 'use_no', 'licence_no'],
    ['page', 'personal_pages', 'page_id', 'account_id'],
]) }}{% endmacro %}

{# What a record names somebody by. Licences have a pseudonym under their number; accounts have none. #}
{% macro named_as(role, column) -%}
{%- if role == 'licence_use' -%}concat('证照 ', {{ column }})
{%- elif role == 'page' -%}concat('账号 ', {{ column }})
{%- else -%}{{ written_identifier(column) }}
{%- endif -%}
{%- endmacro %}

{# The newest records of each role, as they are written; a licence stands here without a holder too. `among`: only those
   whose key is in the CTE of that name for each kind (`<among>_<kind>`). #}
{% macro written_records(among=none) -%}
{% for role, kind, key, column in owner_roles() -%}
    select
        '{{ role }}' as owner_role,
        {{ key }} as record_key,
        {{ named_as(role, column) }} as id_no,
        _load_id,
        _row_hash
    from {{ ref('int_' ~ kind ~ '_latest') }}
    where {{ column ~ ' is not null' if role != 'licence' else '1 = 1' }}
    {% if among -%}
    and {{ key }} in (select those.record_key from {{ among }}_{{ kind }} as those where those.record_key >= '')
    {% endif -%}
    {{ 'union all' if not loop.last }}
    {% endfor %}
{%- endmacro %}

{# On what `records` and the numbers' pseudonyms meet. Licences and accounts are nobody themselves, and may come after
   what names them: whether they had a pseudonym then is not looked at. #}
{% macro named_number(records) -%}
case when {{ records }}.owner_role not in ('licence_use', 'page') then {{ records }}.id_no end
{%- endmacro %}

{# What depends on a person's age follows birthdays too. #}
{% macro touched_list(owner_kind) %}{{ return(ref('int_touched_persons' if owner_kind == 'person' else 'int_touched_identities')) }}{% endmacro %}

{# `records` (a name with identity_key and identity_kind) with the owner of each: owner_kind, owner_key and whether the
   number stands for another. A regular build takes only the records of this run's touched owners. #}
{% macro with_owner(records, owner_kind=none) -%}
{%- set touched_identities, aliases = touched_list(owner_kind), ref('int_identity_aliases') -%}
{%- if is_incremental() and target.type == 'duckdb' -%}
select records.*, owners.owner_kind, owners.owner_key, records.identity_key <> owners.owner_key as is_number_replaced
    from {{ records }} as records
    inner join {{ touched_identities }} as owners on records.identity_key = owners.identity_key
{%- else -%}
select
        records.*,
        coalesce(aliases.identity_kind, records.identity_kind) as owner_kind,
        coalesce(aliases.stands_for_key, records.identity_key) as owner_key,
        aliases.identity_key is not null as is_number_replaced
    from {{ records }} as records
    left join {{ aliases }} as aliases on records.identity_key = aliases.identity_key
{%- endif -%}
{%- endmacro %}

{# The one way in which an incremental model restricts itself to the owners of this run (`touched_sql` replaces exactly
   their rows: `meta.replaces`). On Spark, where no partition is an owner's, all are computed anew. #}
{% macro touched_owners(column, and_=false, owner_kind=none) %}
{%- set touched_identities = touched_list(owner_kind) -%}
{%- if is_incremental() and target.type == 'duckdb' -%}
{{ 'and' if and_ else 'where' }} {{ column }} in (select owners.identity_key from {{ touched_identities }} as owners where owners.identity_key >= '')
{%- endif -%}
{% endmacro %}

{# The rows of int_owner_records that name a person or legal person themselves. #}
{% macro naming_records() -%}
select owner_role, record_key, id_no, identity_key, identity_kind, number_form, is_number_sound
    from {{ ref('int_owner_records') }}
    where identity_key is not null and owner_role not in ('licence_use', 'page')
{%- endmacro %}
