{#-
  What a column holds: "float", "number", "date", "timestamp", "boolean", "text" or "other".
  `relation` is a relation; for anything else (a query, a name), and while dbt only parses,
  the answer is "unknown".
-#}
{% macro column_kind(relation, column) %}
  {%- if not execute or relation is string or relation is not defined -%}
    {{ return("unknown") }}
  {%- endif -%}
  {%- set wanted = column | string | replace('"', "") | replace("`", "") | replace("[", "") | replace("]", "") -%}
  {%- for found in adapter.get_columns_in_relation(relation) -%}
    {%- if found.name == wanted or found.name | lower == wanted | lower -%}
      {{ return(synthohive.type_kind(found.data_type)) }}
    {%- endif -%}
  {%- endfor -%}
  {{ return("unknown") }}
{% endmacro %}
