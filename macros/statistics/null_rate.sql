{#- Absolute difference of the shares of NULL: one row (value, n_rows, n_reference). -#}
{% macro null_rate(candidate, reference, column, reference_column=none, where=none, reference_where=none) %}
  select
    abs(s.n_null / nullif(s.n, 0) - r.n_null / nullif(r.n, 0)) as value,
    s.n as n_rows,
    r.n as n_reference
  from (
    select {{ synthohive.as_double("count(*) - count(" ~ column ~ ")") }} as n_null, {{ synthohive.as_double("count(*)") }} as n
    from {{ synthohive.table_reference(candidate) }} {% if where %}where {{ where }}{% endif %}
  ) s
  cross join (
    select {{ synthohive.as_double("count(*) - count(" ~ (reference_column or column) ~ ")") }} as n_null, {{ synthohive.as_double("count(*)") }} as n
    from {{ synthohive.table_reference(reference) }} {% if reference_where %}where {{ reference_where }}{% endif %}
  ) r
{%- endmacro %}
