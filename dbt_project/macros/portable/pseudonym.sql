{# The keyed pseudonym of an identifier, 32 hex digits; null of null. Only int_identity_keys calls it: once an identifier. #}
{% macro pseudonym(identifier) %}{{ return(adapter.dispatch('pseudonym')(identifier)) }}{% endmacro %}

{% macro duckdb__pseudonym(identifier) %}pseudonym({{ identifier }}){% endmacro %}

{% macro spark__pseudonym(identifier) %}wangting_pseudonym({{ identifier }}){% endmacro %}
