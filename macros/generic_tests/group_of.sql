{#- What a drift test groups by: a column or expression, or the day, week, month, … that a date or timestamp lies in. -#}
{% macro group_of(expression, time_bucket=none) %}
  {{- return(dbt.date_trunc(time_bucket, expression) if time_bucket else expression) -}}
{% endmacro %}
