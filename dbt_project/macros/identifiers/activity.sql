{# What an applicant has done, from the rows of fct_applicant_themes: the same features for persons and legal persons.
   Of themes with as many cases the first by code is the main one. #}
{% macro activity_of(owner_kind) -%}
select
        applicant_key as owner_key,
        cast(count_if(theme_code <> 'unknown') as int) as theme_count,
        min_by(theme_code, concat(lpad(cast(1000000 - case_count as string), 7, '0'), theme_code)) filter (
            where theme_code <> 'unknown'
        ) as main_theme_code,
        {% for name in activity_counts() -%}
        cast(sum({{ name }}) as int) as {{ name }},
        {% endfor -%}
        min(first_applied_at) as first_applied_at,
        max(last_applied_at) as last_applied_at
    from {{ ref('fct_applicant_themes') }}
    where applicant_kind = '{{ owner_kind }}' {{ touched_owners('applicant_key', and_=true, owner_kind=owner_kind) }}
    group by applicant_key
{%- endmacro %}

{% macro activity_counts() %}{{ return([
    'case_count', 'online_count', 'window_count', 'other_channel_count', 'closed_count', 'business_volume', 'visit_count',
    'visits_unknown_count', 'visits_saved'
]) }}{% endmacro %}

{# The same as columns of a dimension; who never applied has zeros. #}
{% macro activity_columns(relation) -%}
coalesce({{ relation }}.theme_count, 0) as theme_count,
    {{ relation }}.main_theme_code,
    {% for name in activity_counts() -%}
    coalesce({{ relation }}.{{ name }}, 0) as {{ name }},
    {% endfor -%}
    {{ relation }}.first_applied_at,
    {{ relation }}.last_applied_at
{%- endmacro %}
