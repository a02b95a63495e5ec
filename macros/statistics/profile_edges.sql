{#-
  A query of (edge, n_below, n_up_to): values of a numeric column, date or timestamp (as numbers), with how many rows are
  below and up to each. They are the least, the greatest, and each in which a quantile k / `bins` lies: between two of
  them there is at most a share 1 / `bins` of the rows, and a value with more than that is one of them.
-#}
{% macro profile_edges(relation, column, kind, bins=200) %}
  select v as edge, n_up_to - n as n_below, n_up_to
  from (
    select v, n, sum(n) over (order by v rows unbounded preceding) as n_up_to, sum(n) over () as n_all
    from (
      select x as v, {{ synthohive.as_double("count(*)") }} as n
      from ({{ synthohive.filled_values(relation, column, kind, none, synthohive.as_number(column, kind)) }}) filled
      group by x
    ) counted
  ) running
  where n_up_to = n or floor({{ bins }} * (n_up_to - n) / n_all) < floor({{ bins }} * n_up_to / n_all)
{%- endmacro %}
