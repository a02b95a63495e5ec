{#- Stop where `tables` of an operation names what is not there: nothing would be done, and nothing be said of it. -#}
{% macro refuse_unknown_tables(operation, tables, known) %}
  {%- set names = [tables] if tables is string else tables or [] -%}
  {%- set unknown = names | reject("in", known) | list -%}
  {%- if unknown -%}
    {%- do exceptions.raise_compiler_error(
      operation ~ ": there is nothing about " ~ unknown | join(", ") ~ ". `tables` can be " ~ known | unique | sort | join(", ")
    ) -%}
  {%- endif -%}
  {{ return(names) }}
{% endmacro %}
