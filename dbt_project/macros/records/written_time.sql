{# A moment as people write it into a workbook: 2017-11-30 15:02, the same with dots or slashes, or 2017年11月30日 15:02;
   null where it is none of these. #}
{% macro written_time(column) %}
coalesce({% for pattern in ['yyyy-MM-dd HH:mm', 'yyyy.MM.dd HH:mm', 'yyyy/MM/dd HH:mm', 'yyyy年MM月dd日 HH:mm'] %}{{ parse_time('trim(' ~ column ~ ')', pattern) }}{{ ', ' if not loop.last }}{% endfor %})
{%- endmacro %}
