{#-
  The project's tests that state keys: a list of {child, columns, parent, to_columns}, child and parent as
  named_relation gives them; a unique key has no parent. `relationships`, `unique`, and this package's
  `no_orphans` and `unique_key`; with a `where`, if they only warn, or if they let some orphans pass, they state none. All that compare tables, with
  their `where` and `to_condition`, come without `binding`.
-#}
{% macro key_tests(binding=true) %}
  {%- set found = [] -%}
  {%- for node in graph.nodes.values() | selectattr("resource_type", "equalto", "test") -%}
    {%- set test = node.test_metadata -%}
    {%- if test and test.name in ("relationships", "unique", "no_orphans", "unique_key") and not (binding and (node.config.where or node.config.severity | lower != "error" or test.kwargs.max_orphans or test.kwargs.max_orphan_share)) -%}
      {%- set child = synthohive.named_relation(test.kwargs.model) -%}
      {%- set columns = synthohive.key_columns(test.name, test.kwargs.columns, test.kwargs.column_name) -%}
      {%- if child and test.name in ("unique", "unique_key") -%}
        {%- do found.append({"child": child, "columns": columns, "parent": none, "to_columns": []}) -%}
      {%- elif child -%}
        {%- set parent = synthohive.named_relation(test.kwargs.to) -%}
        {%- if parent -%}
          {%- set to_columns = synthohive.key_columns(test.name, test.kwargs.to_columns or test.kwargs.field or columns) -%}
          {%- do found.append({"child": child, "columns": columns, "parent": parent, "to_columns": to_columns, "where": node.config.where, "to_condition": test.kwargs.to_condition}) -%}
        {%- endif -%}
      {%- endif -%}
    {%- endif -%}
  {%- endfor -%}
  {{ return(found) }}
{% endmacro %}
