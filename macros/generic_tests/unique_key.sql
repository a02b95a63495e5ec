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
  {%- set some_null -%}
    ({% for column in key %}{{ column }} is null{% if not loop.last %} or {% endif %}{% endfor %})
  {%- endset -%}
  with m as (select * from {{ model }}),
  repeated as (
    select {{ key | join(", ") }}, count(*) as key_rows
    from m
    {% if allow_nulls %}where not {{ some_null }}{% endif %}
    group by {{ key | join(", ") }}
    having count(*) > 1 {% if not allow_nulls %}or {{ some_null }}{% endif %}
  ),
  {{ synthohive.key_failures("m", key, "repeated", "key_rows", "this key is not unique, or has a NULL", 0, allow_empty) }}
{% endmacro %}
