{#-
  A query of (part, value, n): how many rows have each value, as text ("value"); those of fewer than `min_rows` rows
  are counted together ("other"), and so are NULLs ("null").
-#}
{% macro profile_values(relation, column, min_rows=5) %}
  select part, value, sum(n) as n
  from (
    select
      case when v is null then 'null' when n < {{ min_rows }} then 'other' else 'value' end as part,
      case when n >= {{ min_rows }} then v end as value,
      n
    from (
      select v, {{ synthohive.as_double("count(*)") }} as n
      from (select {{ synthohive.as_text(column) }} as v from {{ relation }}) texts
      group by v
    ) counted
  ) parts
  group by part, value
{%- endmacro %}
