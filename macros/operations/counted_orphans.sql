{#-
  The rows of a relationship and its orphans, with example keys as `note`; `rows` is none, and `note` says why, where
  it cannot be checked.
-#}
{% macro counted_orphans(key) %}
  {%- set sides = [] -%}
  {%- for side in (key.table, key.to) -%}
    {%- if side.kind == "ephemeral" -%}
      {{ return({"rows": none, "note": side.identifier ~ " is ephemeral"}) }}
    {%- endif -%}
    {%- set relation = adapter.get_relation(side.database, side.schema, side.identifier) -%}
    {%- if relation is none -%}
      {{ return({"rows": none, "note": side.identifier ~ " has not been built"}) }}
    {%- endif -%}
    {%- do sides.append(relation) -%}
  {%- endfor -%}
  {%- for column in key.columns -%}
    {%- set kinds = [synthohive.column_kind(sides[0], column), synthohive.column_kind(sides[1], key.to_columns[loop.index0])] -%}
    {%- if "text" in kinds and kinds[0] != kinds[1] -%}
      {{ return({"rows": none, "note": "types differ: " ~ kinds | join(" and ")}) }}
    {%- endif -%}
  {%- endfor -%}
  {%- set child = "(select * from " ~ sides[0] ~ " where " ~ key.where ~ ") children" if key.where else sides[0] -%}
  {%- set to = "(select * from " ~ sides[1] ~ " where " ~ key.to_condition ~ ") parents" if key.to_condition else sides[1] -%}
  {%- set orphans = synthohive.orphan_keys(child, key.columns, to, key.to_columns) -%}
  {%- set row = run_query(synthohive.key_breaks(orphans, "orphan_rows", child, to))[0] -%}
  {%- set note = "" -%}
  {%- if row[0] -%}
    {%- set note = synthohive.shown_keys(key.columns, synthohive.rows_of(orphans ~ " order by orphan_rows desc limit 3"), key.table, key.to, key.to_columns) -%}
  {%- endif -%}
  {{ return({"rows": row[1] | int, "orphans": row[0] | int, "note": note}) }}
{% endmacro %}
