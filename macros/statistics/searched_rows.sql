{#-
  The rows of one check that lie in open intervals, sorted: a query of (i, before_s, before_r, ns, nr, cs, cr,
  rs, rr), a row for each value, rs and rr being the rows up to it within its interval. Compares
  values as they are, so that nothing is lost where a float holds them inexactly.
-#}
{% macro searched_rows(candidate, reference, check, where, reference_where, intervals) %}
  {%- set bin = synthohive.bin_number(check.column, check.kind, "lo_" ~ check.key, "hi_" ~ check.key, "scale_" ~ check.key, intervals) -%}
  {%- set reference_bin = synthohive.bin_number(check.reference_column, check.reference_kind, "lo_" ~ check.key, "hi_" ~ check.key, "scale_" ~ check.key, intervals) -%}
  select
    i, before_s, before_r, ns, nr, cs, cr,
    sum(cs) over (partition by bin order by v rows unbounded preceding) as rs,
    sum(cr) over (partition by bin order by v rows unbounded preceding) as rr
  from (
    select o.i, o.bin, o.before_s, o.before_r, o.ns, o.nr, x.v,
      {{ synthohive.as_double("sum(x.s)") }} as cs, {{ synthohive.as_double("sum(x.r)") }} as cr
    from (
      select {{ bin }} as bin, {{ check.column }} as v, 1 as s, 0 as r
      from {{ synthohive.table_reference(candidate) }} cross join places {% if where %}where {{ where }}{% endif %}
      union all
      select {{ reference_bin }} as bin, {{ check.reference_column }} as v, 0 as s, 1 as r
      from {{ synthohive.table_reference(reference) }} cross join places {% if reference_where %}where {{ reference_where }}{% endif %}
    ) x
    join open_intervals o on o.bin = x.bin
    where o.i = {{ check.id }}
    group by o.i, o.bin, o.before_s, o.before_r, o.ns, o.nr, x.v
  ) found
{%- endmacro %}
