{#- Whether a relation lies in a schema, or is made of tables there. -#}
{% macro is_made_of(unique_id, place) %}
  {%- set reached, found = [unique_id], namespace(yes=false) -%}
  {%- for key in reached -%}{#- it grows on the way -#}
    {%- set node = graph.sources.get(key) or graph.nodes.get(key) -%}
    {%- if node and node.resource_type in ("source", "seed") and node.schema == place.schema -%}{%- set found.yes = true -%}{%- endif -%}
    {%- for parent in (node.depends_on.nodes if node and node.resource_type in ("model", "snapshot") else []) if parent not in reached -%}
      {%- do reached.append(parent) -%}
    {%- endfor -%}
  {%- endfor -%}
  {{ return(found.yes) }}
{% endmacro %}
