{# No row lacks a part of its key. A warning: what a system has forgotten to name must not stop the whole warehouse. #}
{% test key_is_filled(model, columns) %}
{{ config(severity='warn') }}
select {{ columns | join(', ') }}
from {{ model }}
where {{ columns | join(' is null or ') }} is null
{% endtest %}
