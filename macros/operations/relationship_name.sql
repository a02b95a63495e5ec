{#- What tells a relationship from others: tables, columns and conditions, however the columns are quoted. -#}
{% macro relationship_name(key) %}
  {%- set parts = [key.table.schema, key.table.identifier, key.columns | join(","), key.to.schema, key.to.identifier, key.to_columns | join(",")] -%}
  {{ return((parts | join("|") | replace('"', "") | replace("`", "") | lower) ~ "|" ~ (key.where or "") ~ "|" ~ (key.to_condition or "")) }}
{% endmacro %}
