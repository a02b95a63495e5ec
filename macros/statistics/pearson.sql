{#-
  Pearson's correlation of two columns of one relation, over the rows where neither is NULL or NaN:
  one row (value, n). Centred in two passes, the same formula on every engine (MySQL has no corr).
-#}
{% macro pearson(relation, column, other, kind, other_kind, where=none) %}
  {%- set pairs %}
    select {{ synthohive.as_number(column, kind) }} as x, {{ synthohive.as_number(other, other_kind) }} as y
    from ({{ synthohive.filled_pairs(relation, column, other, kind, other_kind, where) }}) f
  {% endset -%}
  select
    sum((x - mx) * (y - my)) / nullif(sqrt(sum((x - mx) * (x - mx)) * sum((y - my) * (y - my))), 0) as value,
    {{ synthohive.as_double("count(*)") }} as n
  from ({{ pairs }}) p
  cross join (select avg(x) as mx, avg(y) as my from ({{ pairs }}) q) means
{%- endmacro %}
