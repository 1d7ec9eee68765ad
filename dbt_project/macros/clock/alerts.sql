{# From how many days of rest a clock warns (预警): a day, so that whoever warned can still act on the last one. #}
{% macro alert_days() %}1{% endmacro %}

{# The same of a suspension's own limit: two days, for an expert or a laboratory has to be asked. #}
{% macro suspension_alert_days() %}2{% endmacro %}

{# How a running case stands. `rest` and `statutory_rest` in days of their units, null where there is no such limit. The
   day of acceptance never warns; a one-day promise warns from the first day that counts. A clock that stands warns of
   nothing new, but what is overdue stays so. #}
{% macro clock_state(rest, statutory_rest, limit, is_stopped, is_first_day) -%}
case
        when {{ statutory_rest }} < 0 then 'past_statutory'
        when {{ rest }} < 0 then 'past_promised'
        when {{ is_stopped }} then 'stopped'
        when {{ rest }} is null and {{ statutory_rest }} is null then 'no_limit'
        when {{ is_first_day }} then 'running'
        when {{ rest }} <= {{ alert_days() }} or {{ limit }} = 1 then 'warning'
        else 'running'
    end
{%- endmacro %}
