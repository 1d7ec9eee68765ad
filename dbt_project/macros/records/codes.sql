{# A source's own code as the official one, by the site's code map; what the map does not know stays as it is, so that
   the gate names it. #}
{% macro code(source_name, list, column) %}
{%- set pairs = var('code_maps').get(source_name, {}).get(list, {}) -%}
{%- if pairs -%}
case {{ column }}{% for own, official in pairs.items() %} when '{{ own }}' then '{{ official }}'{% endfor %} else {{ column }} end
{%- else -%}{{ column }}{%- endif -%}
{% endmacro %}

{# A region code of 6 or 9 digits with the zeros that make it 12. #}
{% macro region_code(column) %}
case when length({{ column }}) in (6, 9) then rpad({{ column }}, 12, '0') else {{ column }} end
{%- endmacro %}

{# A region's code as the province knows it: a zone without a code of its own (枫溪区) goes under its statutory one. #}
{% macro statutory_region(column) %}
{%- set aliases = var('region_aliases') -%}
{%- if aliases -%}
case {{ column }}{% for own, official in aliases.items() %} when '{{ own }}' then '{{ official }}'{% endfor %} else {{ column }} end
{%- else -%}{{ column }}{%- endif -%}
{% endmacro %}

{# An empty or blank text as null. #}
{% macro filled(column) %}nullif(trim({{ column }}), ''){% endmacro %}

{# The version of a row of a dropped file: the file's date as yyyymmdd, so that the latest file wins. #}
{% macro file_version(file_date) %}
year({{ file_date }}) * 10000 + month({{ file_date }}) * 100 + day({{ file_date }})
{%- endmacro %}

{# Whether a place of handing in is one where somebody had to be: named, and not the net. #}
{% macro is_hall(place) %}
coalesce({{ filled(place) }}, '网上') not in ('网上', '网上办事大厅', '邮寄', '快递')
{%- endmacro %}

{# The ways of submitting that count as known: the specification's, and those that the site's own changes add to it. #}
{% macro known_channels() -%}
'0', '1', '8'{% for code in var('site_channels') %}, '{{ code }}'{% endfor %}
{%- endmacro %}
