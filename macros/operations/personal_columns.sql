{#- The columns of a relation that the project marks as personal data: meta `pii`, `contains_pii` or `synthohive: {pii: …}`, or the tag `pii`. -#}
{% macro personal_columns(relation) %}
  {%- set found = [] -%}
  {%- for node in (graph.sources.values() | list) + (graph.nodes.values() | list) -%}
    {%- set identifier = node.identifier if node.resource_type == "source" else node.alias -%}
    {%- if node.schema == relation.schema and identifier == relation.identifier -%}
      {%- for column in node.columns.values() -%}
        {%- set meta = dict(column.meta or {}, **((column.config or {}).meta or {})) -%}
        {%- set tags = (column.tags or []) + ((column.config or {}).tags or []) -%}
        {%- if meta.pii or meta.contains_pii or (meta.synthohive or {}).pii or "pii" in tags -%}{%- do found.append(column.name) -%}{%- endif -%}
      {%- endfor -%}
    {%- endif -%}
  {%- endfor -%}
  {{ return(found) }}
{% endmacro %}
