{#- Whether a relation has more than `limit` rows, asked at run time; never while dbt only parses. -#}
{% macro is_large(relation, limit) %}
  {%- if not execute -%}
    {{ return(false) }}
  {%- endif -%}
  {%- set found = run_query("select count(*) as n from (select 1 as one from " ~ relation ~ " limit " ~ (limit + 1) ~ ") l") -%}
  {{ return(found.columns[0].values()[0] | int > limit) }}
{% endmacro %}
