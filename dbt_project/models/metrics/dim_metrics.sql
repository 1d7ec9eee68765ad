{{ config(tags=['static']) }}

{% for definition in definitions_of() -%}
select
    '{{ definition.code }}' as metric_code,
    '{{ definition.prefix }}' as prefix,
    '{{ definition.variant }}' as variant,
    '{{ definition.version }}' as definition_version,
    '{{ definition.name }}' as metric_name,
    '{{ definition.grain }}' as grain,
    '{{ definition.kind }}' as kind,
    '{{ definition.better }}' as better,
    {{ 'true' if definition.is_official else 'false' }} as is_official,
    {{ "'" ~ definition.target ~ "'" if definition.target else 'cast(null as string)' }} as target_code,
    cast({{ definition.limit or 'null' }} as decimal(9, 2)) as limit_value,
    '{{ definition.subject }}' as default_subject,
    cast('{{ definition.valid_from }}' as date) as valid_from,
    cast({{ "'" ~ definition.valid_to ~ "'" if definition.valid_to else 'null' }} as date) as valid_to,
    '{{ definition.clause }}' as clause,
    '{{ definition.population | join(' and ') }}' as population_condition,
    '{{ definition.numerator | join(' and ') }}' as numerator_condition,
    '{{ definition.unknown | join(' and ') }}' as unknown_condition,
    '{{ definition.abandoned | join(' and ') }}' as abandoned_condition,
    {{ "'" ~ definition.adds ~ "'" if definition.adds else 'cast(null as string)' }} as added_column,
    {{ "'" ~ definition.reference ~ "'" if definition.reference else 'cast(null as string)' }} as reference_figure,
    {%- set about = var('metric_grains')[definition.grain] %}
    '{{ about.name }}' as grain_name,
    '{{ about.counted }}' as counted,
    '{{ about.fact }}' as fact_table,
    '{{ about.thing }}' as thing_column,
    '{{ about.period }}' as period_rule,
    {{ "'" ~ about.distinct ~ "'" if about.distinct else 'cast(null as string)' }} as distinct_rule,
    '{{ about.month or about.from }}' as month_column,
    {{ "'" ~ about.until ~ "'" if about.until else 'cast(null as string)' }} as until_column,
    '{{ about.cuts | join(' ') }}' as cuts,
    '{{ definition.notes }}' as notes
{% if not loop.last %}union all{% endif %}
{% endfor %}
