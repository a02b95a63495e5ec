{#-
  Every row whose key is complete (no NULL in it: MATCH SIMPLE) has a row in `to`. Fails with one row for each
  key that leads nowhere, when more rows have such a key than `max_orphans` and `max_orphan_share` of the rows,
  whichever is more, or when the table is empty (unless `allow_empty`).
-#}
{% test no_orphans(model, to, columns=none, to_columns=none, column_name=none, to_condition=none, max_orphans=0, max_orphan_share=0, allow_empty=false) %}
  {{- return(adapter.dispatch("test_no_orphans", "synthohive")(model, to, columns, to_columns, column_name, to_condition, max_orphans, max_orphan_share, allow_empty)) -}}
{% endtest %}

{% macro default__test_no_orphans(model, to, columns, to_columns, column_name, to_condition, max_orphans, max_orphan_share, allow_empty) %}
  {%- set key = synthohive.key_columns("no_orphans", columns, column_name) -%}
  {%- set parent_key = synthohive.key_columns("no_orphans", to_columns or key) -%}
  {%- if key | length != parent_key | length -%}
    {{ exceptions.raise_compiler_error("no_orphans: " ~ key | length ~ " columns cannot lead to " ~ parent_key | length ~ " to_columns") }}
  {%- endif -%}
  {%- set parents = "(select * from " ~ synthohive.table_reference(to) ~ " where " ~ to_condition ~ ") parents" if to_condition else to -%}
  {%- set limit = "greatest(" ~ max_orphans ~ ", " ~ max_orphan_share ~ " * t.n_rows)" if max_orphan_share else max_orphans -%}
  with m as (select * from {{ model }}),
  orphans as ({{ synthohive.orphan_keys("m", key, parents, parent_key) }}),
  {{ synthohive.key_failures("m", key, "orphans", "orphan_rows", "no row of " ~ synthohive.label(to) ~ " has this key", limit, allow_empty) }}
{% endmacro %}
