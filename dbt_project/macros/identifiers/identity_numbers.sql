{# An identifier as it is compared: upper case, without blanks and hyphens. #}
{% macro written_identifier(column) %}nullif(upper(replace(replace(trim({{ column }}), ' ', ''), '-', '')), ''){% endmacro %}

{# The weighted sum over the first characters of a text, each worth its place (from 0) in `alphabet`. #}
{% macro weighted_sum(text, alphabet, weights) -%}
(
    {%- for weight in weights %}
    {{ '+ ' if not loop.first }}{{ weight }} * (instr('{{ alphabet }}', substr({{ text }}, {{ loop.index }}, 1)) - 1)
    {%- endfor %}
)
{%- endmacro %}

{# The check digit of the first 17 digits of a citizen's number (GB 11643). #}
{% macro citizen_check_digit(digits) -%}
substr('10X98765432', 1 + cast({{ weighted_sum(digits, '0123456789', [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]) }} % 11 as int), 1)
{%- endmacro %}

{# The check character of the first 17 characters of a unified credit code (GB 32100). #}
{% macro credit_check_character(code) -%}
substr('0123456789ABCDEFGHJKLMNPQRTUWXY', 1 + cast((31 - {{ weighted_sum(code, '0123456789ABCDEFGHJKLMNPQRTUWXY', [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28]) }} % 31) % 31 as int), 1)
{%- endmacro %}

{# The check character of the first 8 characters of an organisation code (GB 11714). #}
{% macro organisation_check_character(code) -%}
substr('0X987654321', 1 + cast({{ weighted_sum(code, '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ', [3, 7, 9, 10, 5, 8, 4, 2]) }} % 11 as int), 1)
{%- endmacro %}

{# The check digit of the first 14 digits of an old registration number (ISO 7064, modulus 11, 10). #}
{% macro registration_check_digit(digits) -%}
{%- set rest = namespace(sql='10') -%}
{%- for place in range(1, 15) -%}
{%- set rest.sql = '((' ~ rest.sql ~ ' + (instr(\'0123456789\', substr(' ~ digits ~ ', ' ~ place ~ ', 1)) - 1) + 9) % 10 + 1) * 2 % 11' -%}
{%- endfor -%}
cast((11 - {{ rest.sql }}) % 10 as string)
{%- endmacro %}

{# A citizen's number in its 18 digits: one of 15 gets its century (19) and check digit; null where it is neither, or
   has no date of birth. The check digit of one of 18 is not looked at. #}
{% macro citizen_number(written) -%}
case
    when {{ matches(written, '^[0-9]{6}(18|19|20|21)[0-9]{9}[0-9X]$') }} and {{ parse_time('substr(' ~ written ~ ', 7, 8)', 'yyyyMMdd') }} is not null
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

{# What a written number is by its shape and check digits: citizen_18, citizen_15, credit_code, organisation_code,
   registration_no or other. Both kinds of 18 characters look alike: a number is a citizen's where it has a date of
   birth and the right check digit, a legal person's where that code's own check character is right; where neither is,
   the date of birth decides. `citizen` is what citizen_number() made of it. #}
{% macro number_form(written, citizen) -%}
case length({{ written }})
    when 18 then case
        when {{ citizen }} is not null and substr({{ written }}, 18, 1) = {{ citizen_check_digit(written) }} then 'citizen_18'
        when {{ matches(written, '^[0-9A-Z]{18}$') }} and substr({{ written }}, 18, 1) = {{ credit_check_character(written) }} then 'credit_code'
        when {{ citizen }} is not null then 'citizen_18'
        when {{ matches(written, '^[0-9A-Z]{18}$') }} then 'credit_code'
        else 'other'
    end
    when 15 then case
        when {{ citizen }} is not null then 'citizen_15'
        when {{ matches(written, '^[0-9]{15}$') }} then 'registration_no'
        else 'other'
    end
    when 9 then case when {{ matches(written, '^[0-9A-Z]{8}[0-9X]$') }} then 'organisation_code' else 'other' end
    else 'other'
end
{%- endmacro %}

{# Whether the check digit of a number of this form is right; one of 15 digits has none. Some codes were issued with a
   wrong one, so this is told of and hides nobody. #}
{% macro is_number_sound(written, form) -%}
case {{ form }}
    when 'citizen_18' then substr({{ written }}, 18, 1) = {{ citizen_check_digit(written) }}
    when 'citizen_15' then true
    when 'credit_code' then substr({{ written }}, 18, 1) = {{ credit_check_character(written) }}
    when 'organisation_code' then substr({{ written }}, 9, 1) = {{ organisation_check_character(written) }}
    when 'registration_no' then substr({{ written }}, 15, 1) = {{ registration_check_digit(written) }}
    else false
end
{%- endmacro %}

{# Whom a number of this form names. #}
{% macro kind_of_number(form) -%}
case
            when {{ form }} in ('citizen_18', 'citizen_15') then 'person'
            when {{ form }} in ('credit_code', 'organisation_code', 'registration_no') then 'legal_person'
            else 'unknown'
        end
{%- endmacro %}

{# Whole years of life on a day. #}
{% macro age_on(born_on, day) -%}
cast(
            year({{ day }}) - year({{ born_on }})
            - case when month({{ day }}) * 100 + day({{ day }}) < month({{ born_on }}) * 100 + day({{ born_on }}) then 1 else 0 end
            as int
        )
{%- endmacro %}
