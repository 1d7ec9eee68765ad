{# An event of a case while it is put into order: its moment, its place among events of the same moment, its name. #}
{% macro event(moment, place, activity) %}{{ return(adapter.dispatch('event')(moment, place, activity)) }}{% endmacro %}

{% macro duckdb__event(moment, place, activity) %}{'moment': {{ moment }}, 'place': {{ place }}, 'activity': {{ activity }}}{% endmacro %}

{% macro spark__event(moment, place, activity) %}named_struct('moment', {{ moment }}, 'place', {{ place }}, 'activity', {{ activity }}){% endmacro %}

{# The events of a group in one value, in no order. #}
{% macro collected_events(moment, place, activity) %}{{ return(adapter.dispatch('collected_events')(moment, place, activity)) }}{% endmacro %}

{% macro duckdb__collected_events(moment, place, activity) %}list({{ event(moment, place, activity) }}){% endmacro %}

{% macro spark__collected_events(moment, place, activity) %}collect_list({{ event(moment, place, activity) }}){% endmacro %}

{# The names of a case's events in their order, joined by '>': single events (`event`) and collected ones. An event
   without a moment did not happen. #}
{% macro ordered_path(events, collected) %}{{ return(adapter.dispatch('ordered_path')(events, collected)) }}{% endmacro %}

{% macro duckdb__ordered_path(events, collected) -%}
array_to_string(list_transform(list_sort(list_filter(
        flatten([[{{ events | join(', ') }}]{% for several in collected %}, coalesce({{ several }}, []){% endfor %}]), lambda one: one.moment is not null
    )), lambda one: one.activity), '>')
{%- endmacro %}

{% macro spark__ordered_path(events, collected) -%}
array_join(transform(array_sort(filter(
        concat(array({{ events | join(', ') }}){% for several in collected %}, coalesce({{ several }}, array()){% endfor %}), one -> one.moment is not null
    )), one -> one.activity), '>')
{%- endmacro %}
