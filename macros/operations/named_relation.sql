{#-
  The {unique_id, database, schema, identifier, kind} that a test's text such as "source('raw', 'orders')" or
  "ref('orders')" names; none if unknown.
-#}
{% macro named_relation(text) %}
  {%- set names = modules.re.findall("['\"]([^'\"]+)['\"]", text | string) -%}
  {%- if "source(" in text | string and names | length >= 2 -%}
    {%- for node in graph.sources.values() -%}
      {%- if node.source_name == names[0] and node.name == names[1] -%}
        {{ return({"unique_id": node.unique_id, "database": node.database, "schema": node.schema, "identifier": node.identifier, "kind": "source"}) }}
      {%- endif -%}
    {%- endfor -%}
  {%- elif "ref(" in text | string and names -%}
    {%- for node in graph.nodes.values() -%}
      {%- if node.resource_type in ("model", "seed", "snapshot") and node.name == names[-1] -%}
        {{ return({"unique_id": node.unique_id, "database": node.database, "schema": node.schema, "identifier": node.alias, "kind": node.config.materialized}) }}
      {%- endif -%}
    {%- endfor -%}
  {%- endif -%}
  {{ return(none) }}
{% endmacro %}
