{# Rows of a form that names the unit only inside its case numbers (characters 10 to 18), with that unit beside them:
   named_unit_code as the number has it, known_unit_code, known_unit_name and known_region_code where there is one. #}
{% macro with_its_unit(rows, case_no='case_no') -%}
(
    select
        {{ rows }}.*,
        substr({{ rows }}.{{ case_no }}, 10, 9) as named_unit_code,
        units.unit_code as known_unit_code,
        units.unit_name as known_unit_name,
        units.region_code as known_region_code
    from {{ rows }}
    left join {{ ref('units') }} as units on substr({{ rows }}.{{ case_no }}, 10, 9) = units.unit_code
) as located
{%- endmacro %}
