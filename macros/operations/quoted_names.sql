{#- Names as the warehouse wants them in SQL. -#}
{% macro quoted_names(names) %}
  {%- set found = [] -%}
  {%- for name in names -%}{%- do found.append(adapter.quote(name)) -%}{%- endfor -%}
  {{ return(found) }}
{% endmacro %}
