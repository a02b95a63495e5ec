{#- The population stability index of each check: exact where rows were searched, else the estimate within its bounds (see psi_bounds). -#}
{% macro psi_found(bins, epsilon) %}
  {%- set placed -%}
    (
      select i, {{ synthohive.as_integer("2 * j") }} as place, cs, cr, ns, nr from psi_intervals where is_whole = 0 and j = next_j
      union all
      select i, {{ synthohive.quantile_place("before_r + rr - cr", "before_r + rr", "nr", bins) }} as place, cs, cr, ns, nr from searched
    ) placed
  {%- endset -%}
  select
    b.i,
    case when b.is_open = 1 then e.value else b.estimate end as value,
    case when b.is_open = 1 then e.value else b.lower_bound end as lower_bound,
    case when b.is_open = 1 then e.value else b.upper_bound end as upper_bound,
    b.ns as n_rows,
    b.nr as n_reference
  from psi_bounds b
  left join (
    select i, sum((p - q) * ln(p / q)) as value
    from ({{ synthohive.psi_shares(placed, ["i", "place"], epsilon) }}) shares
    group by i
  ) e on e.i = b.i
{%- endmacro %}
