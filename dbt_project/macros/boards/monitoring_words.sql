{# How an open record of the exchange stands, in words. #}
{% macro standing_in_words(standing) -%}
case {{ standing }} when 'held' then '校验未过' when 'unchecked' then '未能校验' when 'rejected' then '被退回' when 'blocked' then '等申办' when 'new' then '待发' when 'sent' then '已发待回执' when 'retry' then '待重发' when 'unjudged' then '待校验' end
{%- endmacro %}

{# What the province's receipt of a rejection says, in words; a record that cannot be worded never got there. #}
{% macro receipt_in_words(receipt_code) -%}
case {{ receipt_code }} when '' then null when '1' then '校验失败' when '2' then '缺少文件' when '3' then '异常' when '4' then '验证失败' when 'unworded' then '无法按接口表达' else concat('回执 ', {{ receipt_code }}) end
{%- endmacro %}

{# How much of the 12 hours is left, in words; the figures before them keep their order where words are sorted. #}
{% macro band_in_words(band) -%}
case {{ band }} when 'late' then '0 已超过 12 小时' when 'h01' then '1 剩不足 1 小时' when 'h02' then '2 剩 1 至 2 小时' when 'h04' then '3 剩 2 至 4 小时' when 'h12' then '4 剩 4 至 12 小时' when 'more' then '5 剩 12 小时以上' else '6 不计时' end
{%- endmacro %}

{# Records since the site's go-live have a duty, those of before are backfill. #}
{% macro duty_in_words(is_backfill) -%}
case when {{ is_backfill }} then '上线前' else '上线后' end
{%- endmacro %}

{# How a source stands, in words. #}
{% macro source_state_in_words(state) -%}
case {{ state }} when 'ok' then '正常' when 'silent' then '沉默' when 'failed' then '失败' when 'never' then '未取过' when 'unavailable' then '本机不可用' when 'broken' then '声明有误' when 'unconnected' then '未接入' end
{%- endmacro %}

{# What an alarm is about, in words. #}
{% macro alarm_in_words(alarm_kind) -%}
case {{ alarm_kind }} when 'overdue' then '临近或超过 12 小时' when 'silent_source' then '系统沉默' when 'unchecked' then '规则未能执行' when 'receiver' then '接收方没有应答' when 'unreconciled' then '对账不一致' else {{ alarm_kind }} end
{%- endmacro %}

{# How an open case's clock stands, in words; the figures before them keep their order where words are sorted. #}
{% macro clock_state_in_words(clock_state) -%}
case {{ clock_state }} when 'past_statutory' then '1 超法定时限' when 'past_promised' then '2 超承诺时限' when 'warning' then '3 预警' when 'running' then '4 正常' when 'stopped' then '5 停计' else '6 没有时限' end
{%- endmacro %}

{# What stops a clock, in words. #}
{% macro suspension_in_words(suspension_kind) -%}
case {{ suspension_kind }} when 'supplement' then '补齐补正' when 'extension' then '延长审批' when 'special_procedure' then '听证、检验等' else {{ suspension_kind }} end
{%- endmacro %}
