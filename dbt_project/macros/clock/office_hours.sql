{# Seconds of office hours since the calendar began, up to a moment whose date is joined as `dates` (dim_dates): two of
   them taken from each other are the working time between two moments. #}
{% macro worked_seconds(dates, moment) -%}
{%- set ns = namespace(whole=0) -%}
{%- for opens, closes in var('office_hours') -%}{%- set ns.whole = ns.whole + closes - opens -%}{%- endfor -%}
(
        {{ dates }}.working_day_no * {{ ns.whole }}
        - case
            when {{ dates }}.is_working_day then {{ ns.whole }}
                {% for opens, closes in var('office_hours') -%}
                - greatest(least(hour({{ moment }}) * 3600 + minute({{ moment }}) * 60 + second({{ moment }}), {{ closes }}) - {{ opens }}, 0)
                {% endfor %}
            else 0
        end
    )
{%- endmacro %}
