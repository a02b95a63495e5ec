{#- The rows of a query as dictionaries, names in lower case. -#}
{% macro rows_of(sql) %}
  {%- set found = run_query(sql) -%}
  {%- set names = found.column_names | map("lower") | list -%}
  {%- set rows = [] -%}
  {%- for row in found.rows -%}
    {%- do rows.append(dict(zip(names, row.values()))) -%}
  {%- endfor -%}
  {{ return(rows) }}
{% endmacro %}
