{#-
  How far the ratio of row counts is from the expected one, as a share of it: one row
  (value, n_rows, n_reference).
-#}
{% macro row_count(candidate, reference, expected_ratio=1, where=none, reference_where=none) %}
  select
    abs(s.n / nullif(r.n, 0) / {{ expected_ratio }} - 1) as value,
    s.n as n_rows,
    r.n as n_reference
  from (select {{ synthohive.as_double("count(*)") }} as n from {{ synthohive.table_reference(candidate) }} {% if where %}where {{ where }}{% endif %}) s
  cross join (select {{ synthohive.as_double("count(*)") }} as n from {{ synthohive.table_reference(reference) }} {% if reference_where %}where {{ reference_where }}{% endif %}) r
{%- endmacro %}
