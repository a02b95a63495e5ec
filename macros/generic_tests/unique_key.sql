{#-
  No two rows have the same key. As in SQL's UNIQUE, a row with a NULL in its key equals no other;
  `allow_nulls: false` makes it a failing row, as in a PRIMARY KEY. Fails with one row for each repeated
  key, or when the table is empty (unless `allow_empty`).
-#}
{% test unique_key(model, columns=none, column_name=none, allow_nulls=true, allow_empty=false) %}
  {{- return(adapter.dispatch("test_unique_key", "synthohive")(model, columns, column_name, allow_nulls, allow_empty)) -}}
{% endtest %}

{% macro default__test_unique_key(model, columns, column_name, allow_nulls, allow_empty) %}
  {%- set key = synthohive.key_columns("unique_key", columns, column_name) -%}
  with m as (select * from {{ model }}),
  repeated as ({{ synthohive.repeated_keys("m", key, allow_nulls) }}),
  {{ synthohive.key_failures("m", key, "repeated", "key_rows", "this key is not unique, or has a NULL", 0, allow_empty) }}
{% endmacro %}
