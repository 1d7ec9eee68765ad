{# The names of a case's events as people read them. #}
{% macro activity_names() %}
{{ return({
    'applied': '申办', 'pre_accepted': '网上预受理', 'accepted': '受理', 'refused': '不予受理',
    'supplement_noticed': '补正告知', 'supplement_received': '补正受理', 'step_1': '承办', 'step_2': '审核', 'step_3': '批准',
    'special_procedure_started': '特别程序申请', 'special_procedure_ended': '特别程序结果', 'closed': '办结', 'collected': '领取'
}) }}
{% endmacro %}

{# A path's events in words; what a site has added keeps its code. #}
{% macro path_in_words(path) -%}
{%- set ns = namespace(words="concat('>', replace(" ~ path ~ ", '>', '>>'), '>')") -%}
{%- for activity, name in activity_names().items() -%}{%- set ns.words = "replace(" ~ ns.words ~ ", '>" ~ activity ~ ">', '>" ~ name ~ ">')" -%}{%- endfor -%}
{%- set ns.words = "replace(" ~ ns.words ~ ", '>step_', '>环节')" -%}
replace(trim(both '>' from {{ ns.words }}), '>>', '→')
{%- endmacro %}

{# One event in words. #}
{% macro activity_in_words(activity) -%}
case {{ activity }}{% for code, name in activity_names().items() %} when '{{ code }}' then '{{ name }}'{% endfor %} else replace({{ activity }}, 'step_', '环节') end
{%- endmacro %}
