{#- The schemas, as {database, schema}, in which the project has sources, models, seeds and snapshots. -#}
{% macro project_places() %}
  {%- set found = {} -%}
  {%- for node in (graph.sources.values() | list) + (graph.nodes.values() | list) if node.resource_type in ("source", "model", "seed", "snapshot") -%}
    {%- do found.setdefault((node.database, node.schema), {"database": node.database, "schema": node.schema}) -%}
  {%- endfor -%}
  {{ return(found.values() | list) }}
{% endmacro %}
