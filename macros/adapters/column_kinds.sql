{#-
  What columns hold, by their names as given: "float", "number", "date", "timestamp", "boolean", "text" or "other"; of a
  relation by its catalogue, of a query (a table under `where:` is one, and so is each table under `--empty`) by asking
  it for no rows. "unknown" where the warehouse is not asked, of a column that is not there, and of an ephemeral
  model, which is no more than a CTE's name here.
-#}
{% macro column_kinds(relation, columns) %}
  {%- set kinds, held = {}, {} -%}
  {%- if not synthohive.asks_warehouse() or "__dbt__cte__" in relation | string -%}
  {%- elif relation is string or synthohive.is_empty_run() -%}
    {%- set names = columns | unique(case_sensitive=true) | list -%}
    {%- set asked = dbt.get_column_schema_from_query("select " ~ names | join(", ") ~ " from " ~ synthohive.table_reference(relation)) -%}
    {%- for name in names -%}{%- do held.update({name: synthohive.type_kind(asked[loop.index0].data_type)}) -%}{%- endfor -%}
  {%- else -%}
    {%- for found in adapter.get_columns_in_relation(relation) -%}
      {%- set kind = synthohive.type_kind(found.data_type) -%}
      {%- do held.setdefault(found.name | lower, kind) -%}
      {%- do held.update({found.name: kind}) -%}
    {%- endfor -%}
  {%- endif -%}
  {%- for column in columns -%}
    {%- set plain = synthohive.plain_names([column])[0] | replace("[", "") | replace("]", "") -%}
    {%- do kinds.update({column: held.get(column, held.get(plain, held.get(plain | lower, "unknown")))}) -%}
  {%- endfor -%}
  {{ return(kinds) }}
{% endmacro %}
