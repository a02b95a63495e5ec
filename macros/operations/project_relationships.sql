{#-
  The relationships that the project states anywhere, each once: a list of {table, columns, to, to_columns, where,
  to_condition}, `table` and `to` as named_relation gives them, or their synthetic stand-ins. They come from `relationships` and `no_orphans`
  tests of any severity, and from the foreign keys that the warehouse declares in the schemas of sources and models.
-#}
{% macro project_relationships() %}
  {%- set found = {} -%}
  {%- for test in synthohive.key_tests(binding=false) if test.parent -%}
    {%- set key = dict(test, table=synthohive.synthetic_place(test.child), to=synthohive.synthetic_place(test.parent)) -%}
    {%- do found.setdefault(synthohive.relationship_name(key), key) -%}
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
