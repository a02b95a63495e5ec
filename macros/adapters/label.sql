{#- A relation, query or column as text that can stand between single quotes. -#}
{% macro label(thing) %}
  {%- set text = thing | string | replace("'", "") | replace('"', "") | replace("`", "") | replace("\\", "") -%}
  {{ return(" ".join(text.split()) | truncate(200, true, "...", 0)) }}
{% endmacro %}
