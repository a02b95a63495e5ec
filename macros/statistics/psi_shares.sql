{#- The shares p of the candidate and q of the reference in each group of a query of (cs, cr, ns, nr): zero counts as `epsilon`. -#}
{% macro psi_shares(rows, groups, epsilon) %}
  select
    {{ groups | join(", ") }}, max(ns) as ns, max(nr) as nr,
    case when sum(cs) > 0 then sum(cs) / max(ns) else {{ epsilon }} end as p,
    case when sum(cr) > 0 then sum(cr) / max(nr) else {{ epsilon }} end as q
  from {{ rows }}
  group by {{ groups | join(", ") }}
{%- endmacro %}
