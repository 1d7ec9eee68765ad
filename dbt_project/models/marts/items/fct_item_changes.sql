{# What a version changed of the one that it followed without a gap; a first version, or one after a gap, is 新增, an end
   that nothing follows 停用. #}
{% set fields = [
    'item_name', 'parent_item_code', 'subject', 'unit_code', 'region_code', 'is_settled', 'is_online', 'online_depth',
    'visit_limit', 'promised_limit', 'promised_limit_unit', 'statutory_limit', 'statutory_limit_unit', 'is_immediate',
    'person_theme_code', 'legal_theme_code', 'special_theme_code'
] %}
with versions as (
    select * from {{ ref('int_items_effective') }}
    where applies_from < applies_until
),

followed as (
    select
        item_code,
        item_version,
        applies_from,
        applies_until,
        source_written_at,
        lag(applies_until) over following as earlier_until,
        lead(applies_from) over following as later_from,
        {% for name in fields -%}
        cast({{ name }} as string) as {{ name }},
        lag(cast({{ name }} as string)) over following as earlier_{{ name }}{{ ',' if not loop.last }}
        {% endfor %}
    from versions
    window following as (partition by item_code order by applies_from)
),

changed as (
    select
        item_code,
        item_version,
        applies_from as changed_on,
        'added' as change_kind,
        'item_code' as field,
        cast(null as string) as before_value,
        item_code as after_value,
        unit_code,
        source_written_at as written_at
    from followed
    where earlier_until is null or earlier_until < applies_from
    union all
    select
        item_code,
        item_version,
        applies_until as changed_on,
        'ended' as change_kind,
        'item_code' as field,
        item_code as before_value,
        cast(null as string) as after_value,
        unit_code,
        source_written_at as written_at
    from followed
    where applies_until < cast('9999-12-31' as date) and (later_from is null or later_from > applies_until)
    {% for name in fields -%}
    union all
    select
        item_code,
        item_version,
        applies_from as changed_on,
        'changed' as change_kind,
        '{{ name }}' as field,
        earlier_{{ name }} as before_value,
        {{ name }} as after_value,
        unit_code,
        source_written_at as written_at
    from followed
    where earlier_until = applies_from and {{ name }} is distinct from earlier_{{ name }}
    {% endfor %}
)

select
    item_code,
    item_version,
    changed_on,
    change_kind,
    field,
    before_value,
    after_value,
    unit_code,
    written_at
from changed
