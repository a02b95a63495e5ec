{#-
  Total variation distance of a column and a stored profile, `counts` being a query of what profile_values gives: one
  row (value, n_rows, n_reference). Values that the profile does not name are counted together, as in it.
-#}
{% macro stored_tvd(candidate, column, counts) %}
  {%- set by_value -%}
    select part, value, {{ synthohive.as_double("sum(s)") }} as cs, {{ synthohive.as_double("sum(r)") }} as cr
    from (
      select
        case when c.v is null then 'null' when p.value is null then 'other' else 'value' end as part,
        p.value as value, 1 as s, 0 as r
      from (select {{ synthohive.as_text(column) }} as v from {{ candidate }}) c
      left join (select value from ({{ counts }}) named where part = 'value') p on p.value = c.v
      union all
      select part, value, 0, n from ({{ counts }}) kept
    ) u
    group by part, value
  {%- endset -%}
  {{- synthohive.tvd_of_counts(by_value) -}}
{% endmacro %}
