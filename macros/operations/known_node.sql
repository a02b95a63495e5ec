{#- How a project's YAML names a table of a schema ("source('raw', 'orders')", "ref('orders')"); none if it does not know it. -#}
{% macro known_node(place, table) %}
  {%- for node in graph.sources.values() if node.schema == place.schema and node.identifier == table -%}
    {{ return("source('" ~ node.source_name ~ "', '" ~ node.name ~ "')") }}
  {%- endfor -%}
  {%- for node in graph.nodes.values() if node.resource_type in ("model", "seed", "snapshot") and node.schema == place.schema and node.alias == table -%}
    {{ return("ref('" ~ node.name ~ "')") }}
  {%- endfor -%}
  {{ return(none) }}
{% endmacro %}
