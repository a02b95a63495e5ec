{#- The Kolmogorov-Smirnov statistic of each check: its bounds (see ks_bounds), and what the searched rows raise them to. -#}
{% macro ks_found() %}
  select
    b.i,
    {#- Engines differ in what is the greatest of NULL and 0: a side without rows has no value. #}
    {% for name, bound in [("value", "lower_bound"), ("lower_bound", "lower_bound"), ("upper_bound", "upper_bound")] %}
    case when b.lower_bound is not null then greatest(b.{{ bound }}, coalesce(s.value, 0)) end as {{ name }},
    {% endfor %}
    b.ns as n_rows,
    b.nr as n_reference
  from ks_bounds b
  left join (
    select i, max(abs((before_r + rr) / nr - (before_s + rs) / ns)) as value from searched group by i
  ) s on s.i = b.i
{%- endmacro %}
