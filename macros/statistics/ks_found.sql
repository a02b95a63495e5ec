{#- The Kolmogorov-Smirnov statistic of each check: its bounds (see ks_bounds), and what the searched rows raise them to. -#}
{% macro ks_found() %}
  select
    b.i,
    greatest(b.lower_bound, coalesce(s.value, 0)) as value,
    greatest(b.lower_bound, coalesce(s.value, 0)) as lower_bound,
    greatest(b.upper_bound, coalesce(s.value, 0)) as upper_bound,
    b.ns as n_rows,
    b.nr as n_reference
  from ks_bounds b
  left join (
    select i, max(abs((before_r + rr) / nr - (before_s + rs) / ns)) as value from searched group by i
  ) s on s.i = b.i
{%- endmacro %}
