{{ config(
    materialized='incremental', incremental_strategy='touched', unique_key=['material_key'],
    pre_hook="{% if is_incremental() %}delete from {{ this }} where exists ({{ shown_whole('int_materials_latest') }}){% endif %}"
) }}
{# Where rows are gone at their source, this run's staging shows all that is left: then everything is taken anew. #}
with materials as (
    select
        material_key,
        application_no,
        item_code,
        file_kind,
        copy_kind,
        copies_count,
        material_name
    from {{ ref('int_materials_latest') }}
    {% if is_incremental() %}
    where material_key in (
        select staged.material_key
        from ({{ staged_rows('materials', [['material_key', 'string']], named_by='material_key') }}) as staged
    )
    {% endif %}
)

select
    material_key,
    application_no as case_no,
    item_code,
    material_name,
    case file_kind when '0' then 'paper' when '1' then 'electronic' else 'unknown' end as file_kind,
    case copy_kind when '0' then 'original' when '1' then 'copy' when '2' then 'electronic' else 'unknown' end as copy_kind,
    copies_count
from materials
{% for model in var('staged').get('materials', []) -%}
-- depends_on: {{ ref(model) }}
{% endfor %}
