{#- The relation of the same name in a schema, or "database.schema"; the relation itself if none is named. -#}
{% macro in_schema(relation, place) %}
  {%- set parts = (place or "") | string -%}
  {%- if not parts -%}
    {{ return(relation) }}
  {%- endif -%}
  {%- set parts = parts.split(".") -%}
  {%- if parts | length == 2 -%}
    {{ return(relation.replace_path(database=parts[0], schema=parts[1])) }}
  {%- endif -%}
  {{ return(relation.replace_path(schema=place)) }}
{% endmacro %}
