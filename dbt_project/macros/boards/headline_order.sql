{# 三率一数 first, in the plans' own order; then 业务量, then all others. #}
{% macro headline_order(metric_code) -%}
cast(case {{ metric_code }} when 'full_online_item_rate' then 1 when 'online_application_rate' then 2 when 'online_closing_rate' then 3 when 'visits_at_most_one_rate' then 4 when 'visits_zero_rate' then 5 when 'business_volume' then 6 else 9 end as int)
{%- endmacro %}

{# A licence and a public service are never mixed; what a case or an item is, in words. #}
{% macro subject_in_words(subject) -%}
case {{ subject }} when 'licence' then '行政许可' when 'public_service' then '公共服务' else '未知' end
{%- endmacro %}

{# An approval step in words; a site's own keeps its code. #}
{% macro step_in_words(step_code) -%}
case {{ step_code }} when '1' then '承办' when '2' then '审核' when '3' then '批准' else concat('环节', {{ step_code }}) end
{%- endmacro %}
