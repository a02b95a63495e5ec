{#-
  CTEs that bound the population stability index of each check i from the rows counted by interval
  (`running`: i, bin, cs, cr, before_s, before_r, ns, nr, allowed).

  An interval within one bin (between two quantiles of the reference) belongs to it. One across a
  quantile gives the bins beside it a part of its rows: how much is bounded, and with it the index, which
  is convex. An interval that holds a whole bin may hold a value that is one: it is searched. `is_open` is 1
  in intervals that have to be searched, `estimate` parts the others' rows evenly.
-#}
{% macro psi_bounds(ids, bins, epsilon) %}
  psi_intervals as (
    select
      i, bin, cs, cr, before_s, before_r, ns, nr, allowed,
      case when {{ synthohive.fills_quantile("before_r", "before_r + cr", "nr", bins) }} then 1 else 0 end as is_whole,
      {#- The bins of its first and of its last row. #}
      least(floor({{ bins }} * before_r / nullif(nr, 0)), {{ bins - 1 }}) as j,
      least(floor({{ bins }} * (before_r + cr) / nullif(nr, 0)), {{ bins - 1 }}) as next_j
    from running
    where i in ({{ ids | join(", ") }})
  ),
  psi_parts as (
    {#- Rows of an interval within a bin are the bin's; of one across a quantile each of the two bins has some. #}
    select
      i, allowed, ns, nr, is_whole, case when side = 1 then j else next_j end as j,
      case when is_whole = 0 and j = next_j then cs else 0 end as p_low,
      case when is_whole = 0 then cs else 0 end as p_high,
      case when is_whole = 1 then 0 when j = next_j then cs when side = 1 then cs * first_cr / nullif(cr, 0) else cs - cs * first_cr / nullif(cr, 0) end as p,
      case when is_whole = 1 then 0 when j = next_j then cr when side = 1 then first_cr else 0 end as q_low,
      case when is_whole = 1 then 0 when j = next_j or side = 1 then cr else cr - first_cr end as q_high,
      case when is_whole = 1 then 0 when j = next_j then cr when side = 1 then first_cr else cr - first_cr end as q
    from (select x.*, ceil(nr * next_j / {{ bins }}) - before_r as first_cr from psi_intervals x) x
    cross join (select 1 as side union all select 2) sides
    where side = 1 or (is_whole = 0 and j < next_j)
  ),
  psi_boxes as (
    select
      i, max(allowed) as allowed, max(ns) as ns, max(nr) as nr, max(is_whole) as is_whole,
      {% for share, total in [("p", "ns"), ("q", "nr")] %}
      {#- A share of zero counts as epsilon; one that may be zero is either that or a row at least. #}
      case
        when sum({{ share }}_low) > 0 then sum({{ share }}_low) / max({{ total }})
        when sum({{ share }}_high) > 0 then least({{ epsilon }}, 1 / max({{ total }}))
        else {{ epsilon }}
      end as {{ share }}_low,
      case
        when sum({{ share }}_low) > 0 then sum({{ share }}_high) / max({{ total }})
        else greatest(sum({{ share }}_high) / nullif(max({{ total }}), 0), {{ epsilon }})
      end as {{ share }}_high,
      case when sum({{ share }}) > 0 then sum({{ share }}) / max({{ total }}) else {{ epsilon }} end as {{ share }}{% if not loop.last %},{% endif %}
      {% endfor %}
    from psi_parts
    group by i, j
  ),
  psi_sums as (
    select
      i, max(allowed) as allowed, max(ns) as ns, max(nr) as nr, max(is_whole) as is_whole,
      sum(case
        when p_low > q_high then (p_low - q_high) * ln(p_low / q_high)
        when q_low > p_high then (q_low - p_high) * ln(q_low / p_high)
        else 0
      end) as lower_bound,
      sum(greatest((p_high - q_low) * ln(p_high / q_low), (q_high - p_low) * ln(q_high / p_low))) as upper_bound,
      sum((p - q) * ln(p / q)) as estimate
    from psi_boxes
    group by i
  ),
  psi_bounds as (
    select
      i, ns, nr,
      case when has_rows = 1 then lower_bound end as lower_bound,
      case when has_rows = 1 then upper_bound end as upper_bound,
      case when has_rows = 1 then least(greatest(estimate, lower_bound), upper_bound) end as estimate,
      case when has_rows = 1 and (is_whole = 1 or (lower_bound <= allowed and upper_bound > allowed)) then 1 else 0 end as is_open
    from (select s.*, case when ns > 0 and nr > 0 then 1 else 0 end as has_rows from psi_sums s) s
  )
{%- endmacro %}
