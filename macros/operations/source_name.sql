{#- The name of the project's source over a schema; where it has none, the schema's. -#}
{% macro source_name(place) %}
  {%- for node in graph.sources.values() if node.schema == place.schema and node.package_name == project_name -%}
    {{ return(node.source_name) }}
  {%- endfor -%}
  {{ return(place.schema) }}
{% endmacro %}
