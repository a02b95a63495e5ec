{#- A number as text, counts as they are and others with four digits. -#}
{% macro shown_number(value, counts=false) %}
  {%- if value is none or value is undefined -%}
    {{ return("-") }}
  {%- endif -%}
  {{ return(("%g" if counts else "%.4f") | format(value | float)) }}
{% endmacro %}
