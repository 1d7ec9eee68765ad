{# How a person stands in the population register, in words. #}
{% macro register_status_in_words(status) -%}
case {{ status }} when 'registered' then '在册' when 'died' then '死亡' when 'moved_out' then '迁出' when 'merged' then '已并入另一登记' else '不在登记' end
{%- endmacro %}

{# A person's age band, in words. #}
{% macro age_band_in_words(band) -%}
case {{ band }} when '00-19' then '0—19 岁' when '20-49' then '20—49 岁' when '50-59' then '50—59 岁' when '60-' then '60 岁以上' else '不明' end
{%- endmacro %}

{# What kind of legal person, in words. #}
{% macro legal_person_kind_in_words(kind) -%}
case {{ kind }} when 'enterprise' then '企业' when 'household_business' then '个体工商户' when 'cooperative' then '农民专业合作社' when 'public_institution' then '事业单位' when 'government' then '机关' when 'social_organisation' then '社会组织' else '其他' end
{%- endmacro %}

{# How a legal person stands in its register, in words. #}
{% macro legal_person_status_in_words(status) -%}
case {{ status }} when 'existing' then '存续' when 'deregistered' then '已注销' when 'merged' then '已并入另一单位' else '不在登记' end
{%- endmacro %}

{# How surely an account's holder is known, in words. #}
{% macro identity_in_words(level) -%}
case when {{ level }} is null then '没有账号' else concat('实名 ', cast({{ level }} as string), ' 级') end
{%- endmacro %}
