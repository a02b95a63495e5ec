{#-
  How well a classifier tells rows of the candidate from rows of the reference, by whole rows, by each column and by each
  pair: rows (value, n_rows, n_reference, group_value). The value is the area under the ROC curve on rows that the
  classifier has not seen: 0.5 is chance, 1 certainty (classifier two-sample test: Friedman 2003, Lopez-Paz and Oquab
  2017; the area is Mann and Whitney's U: Hanley and McNeil 1982).

  The classifier is naive Bayes with pairs. With p and q the shares of a cell on the two sides of the first half,
    a column's weight is ln(p / q);
    a pair's weight is ln(p_ab / (p_a p_b)) - ln(q_ab / (q_a q_b)), what the two say together and neither alone;
    a row's is the sum of them all (Kirkwood's approximation, 1935, of the ratio of the two densities).
  So a pair stands out where what ties two columns differs, and not where one of them has drifted.
-#}
{% macro told_apart(candidate, reference, columns, reference_columns=none, kinds=none, reference_where=none, max_rows=20000, bins=8) %}
  {%- set features, terms = [], [] -%}
  {%- for column in columns -%}
    {%- set first = loop.index -%}
    {%- do features.append({"name": column, "a": "b" ~ first, "b": "''"}) -%}
    {%- do terms.append((0, first, 2 - columns | length)) -%}
    {%- do terms.append((first, first, 1)) -%}
  {%- endfor -%}
  {%- for column in columns -%}
    {%- set first = loop.index -%}
    {%- for other in columns[first:] -%}
      {%- set second = first + loop.index -%}
      {%- do features.append({"name": column ~ ", " ~ other, "a": "b" ~ first, "b": "b" ~ second}) -%}
      {%- do terms.extend([(0, features | length, 1), (features | length, features | length, 1), (features | length, first, -1), (features | length, second, -1)]) -%}
    {%- endfor -%}
  {%- endfor -%}
  with sampled as ({{ synthohive.sampled_rows(candidate, reference, columns, reference_columns or columns, kinds or ["unknown"] * columns | length, reference_where, max_rows, bins) }}),
  cells as (
    {% for feature in features %}
    select side, place, {{ loop.index }} as f, {{ feature.a }} as a, {{ feature.b }} as b from sampled
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
  ),
  weights as (
    select f, a, b, ln((cs + 0.5) / ns / ((cr + 0.5) / nr)) as w
    from (
      select f, a, b, {{ synthohive.as_double("sum(side)") }} as cs, {{ synthohive.as_double("sum(1 - side)") }} as cr
      from cells
      where mod(place, 2) = 0
      group by f, a, b
    ) counted
    cross join (
      select {{ synthohive.as_double("nullif(sum(side), 0)") }} as ns, {{ synthohive.as_double("nullif(sum(1 - side), 0)") }} as nr
      from sampled
      where mod(place, 2) = 0
    ) totals
  ),
  terms as (
    {% for feature, part, sign in terms %}select {{ feature }} as feature, {{ part }} as part, {{ sign }} as sign {% if not loop.last %}union all {% endif %}{% endfor %}
  ),
  {#- Sums are rounded: added up in another order they would differ in their last digits, and equal cells not be equal. -#}
  scores as (
    select t.feature, c.side, c.place, floor(sum(t.sign * coalesce(w.w, 0)) * 1e9 + 0.5) as score
    from cells c
    join terms t on t.part = c.f
    left join weights w on w.f = c.f and w.a = c.a and w.b = c.b
    where mod(c.place, 2) = 1
    group by t.feature, c.side, c.place
  ),
  {#- Without a row of both sides to learn from there is no classifier, and no area. -#}
  areas as (
    select
      feature,
      case when (select count(distinct side) from sampled where mod(place, 2) = 0) = 2 then sum(cs * (rr - cr / 2)) / nullif(sum(cs) * sum(cr), 0) end as area,
      sum(cs) as ns,
      sum(cr) as nr
    from (
      select feature, cs, cr, sum(cr) over (partition by feature order by score rows unbounded preceding) as rr
      from (
        select feature, score, {{ synthohive.as_double("sum(side)") }} as cs, {{ synthohive.as_double("sum(1 - side)") }} as cr
        from scores
        group by feature, score
      ) counted
    ) running
    group by feature
  )
  select
    areas.area as value,
    coalesce(areas.ns, 0) as n_rows,
    coalesce(areas.nr, 0) as n_reference,
    names.label as group_value
  from (
    select 0 as feature, 'whole rows' as label
    {% for feature in features %}union all select {{ loop.index }}, '{{ synthohive.label(feature.name) }}' {% endfor %}
  ) names
  left join areas on areas.feature = names.feature
  where names.feature = 0 or areas.area is not null
{%- endmacro %}
