{#- The columns of a key: a list, one name, or the column that the test stands under. -#}
{% macro key_columns(test_name, columns, column_name=none) %}
  {%- set key = columns or column_name -%}
  {%- if not key -%}
    {{ exceptions.raise_compiler_error(test_name ~ ": which columns? Give `columns: [...]`, or put the test under a column") }}
  {%- endif -%}
  {{ return([key] if key is string else key | list) }}
{% endmacro %}
