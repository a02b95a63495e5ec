{#-
  The column of a table that a column of a model is, renamed at most: {schema, table, column}; none where the
  model reads several relations, or makes the column. The bridge in Python follows joins and casts, too.
-#}
{% macro origin_column(unique_id, column) %}
  {%- set found = namespace(node=graph.sources.get(unique_id) or graph.nodes.get(unique_id), column=column) -%}
  {%- for _ in range(20) if found.node and found.node.resource_type in ("model", "snapshot") -%}
    {%- set parents = found.node.depends_on.nodes | unique | list -%}
    {%- set found.column = synthohive.renamed_from(found.node.raw_code, found.column) if parents | length == 1 else none -%}
    {%- set found.node = graph.sources.get(parents[0]) or graph.nodes.get(parents[0]) if found.column else none -%}
  {%- endfor -%}
  {%- if not found.node or found.node.resource_type not in ("source", "seed") -%}
    {{ return(none) }}
  {%- endif -%}
  {{ return({"schema": found.node.schema, "table": found.node.identifier or found.node.alias, "column": found.column}) }}
{% endmacro %}
