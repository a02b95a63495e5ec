{#-
  Every row whose key is complete (no NULL in it: MATCH SIMPLE) has a row in `to`. Fails with one row for each
  key that leads nowhere, when more than `max_orphans` rows have such a key, or when the
  table is empty (unless `allow_empty`).
-#}
{% test no_orphans(model, to, columns=none, to_columns=none, column_name=none, max_orphans=0, allow_empty=false) %}
  {{- return(adapter.dispatch("test_no_orphans", "synthohive")(model, to, columns, to_columns, column_name, max_orphans, allow_empty)) -}}
{% endtest %}

{% macro default__test_no_orphans(model, to, columns, to_columns, column_name, max_orphans, allow_empty) %}
  {%- set key = synthohive.key_columns("no_orphans", columns, column_name) -%}
  {%- set parent_key = synthohive.key_columns("no_orphans", to_columns or key) -%}
  {%- if key | length != parent_key | length -%}
    {{ exceptions.raise_compiler_error("no_orphans: " ~ key | length ~ " columns cannot lead to " ~ parent_key | length ~ " to_columns") }}
  {%- endif -%}
  with m as (select * from {{ model }}),
  orphans as ({{ synthohive.orphan_keys("m", key, to, parent_key) }}),
  {{ synthohive.key_failures("m", key, "orphans", "orphan_rows", "no row of " ~ synthohive.label(to) ~ " has this key", max_orphans, allow_empty) }}
{% endmacro %}
