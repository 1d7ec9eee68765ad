{# An identifier as it is compared: upper case, without blanks and hyphens. #}
{% macro written_identifier(column) %}nullif(upper(replace(replace(trim({{ column }}), ' ', ''), '-', '')), ''){% endmacro %}

{# The check digit of the first 17 digits of a citizen's number (GB 11643). #}
{% macro citizen_check_digit(digits) -%}
substr('10X98765432', 1 + cast((
    {%- for weight in [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2] %}
    {{ '+ ' if not loop.first }}{{ weight }} * try_cast(substr({{ digits }}, {{ loop.index }}, 1) as int)
    {%- endfor %}
) % 11 as int), 1)
{%- endmacro %}

{# A citizen's number in its 18 digits: one of 15 gets its century (19) and check digit; null where it is neither, or
   has no date of birth. #}
{% macro citizen_number(written) -%}
case
    when {{ matches(written, '^[0-9]{17}[0-9X]$') }} and {{ parse_time('substr(' ~ written ~ ', 7, 8)', 'yyyyMMdd') }} is not null
        then {{ written }}
    when {{ matches(written, '^[0-9]{15}$') }} and {{ parse_time("concat('19', substr(" ~ written ~ ", 7, 6))", 'yyyyMMdd') }} is not null
        then concat(
            substr({{ written }}, 1, 6), '19', substr({{ written }}, 7, 9),
            {{ citizen_check_digit("concat(substr(" ~ written ~ ", 1, 6), '19', substr(" ~ written ~ ", 7, 9))") }}
        )
end
{%- endmacro %}

{# The organisation code in a legal person's number: characters 9 to 17 of a unified credit code, or the code itself. #}
{% macro organisation_number(written) -%}
case
    when {{ matches(written, '^[0-9A-Z]{18}$') }} then substr({{ written }}, 9, 9)
    when {{ matches(written, '^[0-9A-Z]{8}[0-9X]$') }} then {{ written }}
end
{%- endmacro %}
