{#- The statistics of column_drifts by counts of values (see tvd, outside_domain and null_rate): (i, value, lower_bound, ...). -#}
{% macro categorical_found(checks) %}
  {%- set ids = {"tvd": [0], "domain": [0], "null_rate": [0]} -%}
  {%- for check in checks if check.statistic in ids -%}
    {%- do ids[check.statistic].append(check.id) -%}
  {%- endfor -%}
  select i, value, value as lower_bound, value as upper_bound, n_rows, n_reference
  from (
    select
      c.i,
      case
        when c.i in ({{ ids.tvd | join(", ") }}) then 0.5 * sum(abs(x.cs * x.nr - x.cr * x.ns)) / nullif(max(x.ns) * max(x.nr), 0)
        when c.i in ({{ ids.null_rate | join(", ") }}) then
          abs(sum((1 - x.filled) * x.cs) / nullif(max(x.ns), 0) - sum((1 - x.filled) * x.cr) / nullif(max(x.nr), 0))
        when sum(x.filled * x.cr) > 0 then
          sum(case when x.cr = 0 then x.filled * x.cs else 0 end) / nullif(sum(x.filled * x.cs), 0)
      end as value,
      case when c.i in ({{ ids.domain | join(", ") }}) then sum(x.filled * x.cs) else max(x.ns) end as n_rows,
      case when c.i in ({{ ids.domain | join(", ") }}) then sum(x.filled * x.cr) else max(x.nr) end as n_reference
    from (
      select k, filled, cs, cr, sum(cs) over (partition by k) as ns, sum(cr) over (partition by k) as nr from counts
    ) x
    join checks c on c.k = x.k
    where c.i in ({{ (ids.tvd + ids.domain + ids.null_rate) | reject("equalto", 0) | join(", ") }})
    group by c.i
  ) categorical
{%- endmacro %}
