{#-
  The keys that the project's own tests state for a schema, in the form of declared_keys: `relationships`,
  `unique`, and this package's `no_orphans` and `unique_key`. Tests with a `where`, or that only warn, state none.
-#}
{% macro tested_keys(place) %}
  {%- set keys = [] -%}
  {%- for node in graph.nodes.values() | selectattr("resource_type", "equalto", "test") -%}
    {%- set test = node.test_metadata -%}
    {%- if test and test.name in ("relationships", "unique", "no_orphans", "unique_key") and not node.config.where and node.config.severity | lower == "error" -%}
      {%- set child = synthohive.named_relation(test.kwargs.model) -%}
      {%- set columns = synthohive.key_columns(test.name, test.kwargs.columns, test.kwargs.column_name) -%}
      {%- if child and child.schema == place.schema and test.name in ("unique", "unique_key") -%}
        {%- do keys.append({"table": child.identifier, "type": "unique", "columns": columns, "to": none, "to_columns": []}) -%}
      {%- elif child and child.schema == place.schema -%}
        {%- set parent = synthohive.named_relation(test.kwargs.to) -%}
        {%- if parent and parent.schema == place.schema -%}
          {%- set to_columns = synthohive.key_columns(test.name, test.kwargs.to_columns or test.kwargs.field or columns) -%}
          {%- do keys.append({"table": child.identifier, "type": "foreign", "columns": columns, "to": parent.identifier, "to_columns": to_columns}) -%}
        {%- endif -%}
      {%- endif -%}
    {%- endif -%}
  {%- endfor -%}
  {{ return(keys) }}
{% endmacro %}
