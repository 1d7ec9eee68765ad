{{ config(tags=['static']) }}

{% for definition in definitions_of() -%}
select
    '{{ definition.code }}' as metric_code,
    '{{ definition.variant }}' as variant,
    '{{ definition.version }}' as definition_version,
    '{{ definition.name }}' as metric_name,
    '{{ definition.grain }}' as grain,
    '{{ definition.kind }}' as kind,
    '{{ definition.better }}' as better,
    {{ 'true' if definition.is_official else 'false' }} as is_official,
    {{ "'" ~ definition.target ~ "'" if definition.target else 'cast(null as string)' }} as target_code,
    cast('{{ definition.valid_from }}' as date) as valid_from,
    cast({{ "'" ~ definition.valid_to ~ "'" if definition.valid_to else 'null' }} as date) as valid_to,
    '{{ definition.clause }}' as clause,
    '{{ definition.population | join(' and ') }}' as population_condition,
    '{{ definition.numerator | join(' and ') }}' as numerator_condition,
    '{{ definition.unknown | join(' and ') }}' as unknown_condition,
    '{{ definition.abandoned | join(' and ') }}' as abandoned_condition,
    '{{ 'fct_cases' if definition.grain == 'case' else 'fct_item_months' }}' as fact_table,
    '{{ 'closed_month' if definition.grain == 'case' else 'item_month' }}' as month_column,
    '{{ definition.notes }}' as notes
{% if not loop.last %}union all{% endif %}
{% endfor %}
