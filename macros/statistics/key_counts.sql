{#-
  The rows of a relation counted by each of several keys, in one scan: a query of (k, bin, v_i ..., n). Of
  key k n rows have the interval `bin`, or, where the key is counted by value, the value v_k; then, and of
  keys that are counted by NULL, `bin` is -1 of NULL and 0 of all else.

  A key is {id, column, kind, by}: `by` is "bin" (its intervals are in `places`, a query of one row), "value" or "null".
-#}
{% macro key_counts(relation, keys, where, places, intervals) %}
  {%- set rows -%}
    select
      {% for key in keys %}
      {% if key.by == "bin" -%}
        {{ synthohive.bin_number(key.column, key.kind, "lo_" ~ key.id, "hi_" ~ key.id, "scale_" ~ key.id, intervals) }}
      {%- else -%}
        case when {{ key.column }} is null then -1 else 0 end
      {%- endif %} as b_{{ key.id }}{% if key.by == "value" %}, {{ key.column }} as v_{{ key.id }}{% endif %}{% if not loop.last %},{% endif %}
      {% endfor %}
    from {{ synthohive.table_reference(relation) }} {% if places %}cross join {{ places }}{% endif %}
    {% if where %}where {{ where }}{% endif %}
  {%- endset -%}
  {{- synthohive.grouped_by_each(rows, keys) -}}
{% endmacro %}
