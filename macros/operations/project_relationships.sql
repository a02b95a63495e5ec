{#-
  The relationships that the project states anywhere, each once: a list of {table, columns, to, to_columns, where,
  to_condition}, `table` and `to` as named_relation gives them, or their synthetic stand-ins. They come from `relationships` and `no_orphans`
  tests of any severity, and from the foreign keys that the warehouse declares in the schemas of sources and models.
-#}
{% macro project_relationships() %}
  {%- set found = {} -%}
  {%- for node in graph.nodes.values() | selectattr("resource_type", "equalto", "test") -%}
    {%- set test = node.test_metadata -%}
    {%- if test and test.name in ("relationships", "no_orphans") -%}
      {%- set columns = synthohive.key_columns(test.name, test.kwargs.columns, test.kwargs.column_name) -%}
      {%- set key = {
        "table": synthohive.synthetic_place(synthohive.named_relation(test.kwargs.model)), "columns": columns,
        "to": synthohive.synthetic_place(synthohive.named_relation(test.kwargs.to)),
        "to_columns": synthohive.key_columns(test.name, test.kwargs.to_columns or test.kwargs.field or columns),
        "where": node.config.where, "to_condition": test.kwargs.to_condition,
      } -%}
      {%- if key.table and key.to -%}{%- do found.setdefault(synthohive.relationship_name(key), key) -%}{%- endif -%}
    {%- endif -%}
  {%- endfor -%}
  {%- for place in synthohive.project_places() -%}
    {%- for key in synthohive.declared_keys(place) if key.type == "foreign" -%}
      {%- set key = {
        "table": synthohive.synthetic_place(dict(place, identifier=key.table, kind="table")), "columns": synthohive.quoted_names(key.columns),
        "to": synthohive.synthetic_place(dict(place, identifier=key.to, kind="table")), "to_columns": synthohive.quoted_names(key.to_columns),
        "where": none, "to_condition": none,
      } -%}
      {%- do found.setdefault(synthohive.relationship_name(key), key) -%}
    {%- endfor -%}
  {%- endfor -%}
  {{ return(found.values() | list) }}
{% endmacro %}
