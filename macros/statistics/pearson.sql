{#-
  Pearson's correlation of two columns of one relation, over the rows where neither is NULL or NaN:
  one row (value, n). Numbers that are no floats, and timestamps, are taken as their offset from the least one (see
  offset_from), at the price of a scan. Centred in two passes: the same formula on every engine (MySQL has no corr).
-#}
{% macro pearson(relation, column, other, kind, other_kind, where=none) %}
  {%- set filled = synthohive.filled_pairs(relation, column, other, kind, other_kind, where) -%}
  {%- set exact = ("number", "timestamp") -%}
  {%- set pairs %}
    select
      {{ synthohive.offset_from(column, "lx", kind) if kind in exact else synthohive.as_number(column, kind) }} as x,
      {{ synthohive.offset_from(other, "ly", other_kind) if other_kind in exact else synthohive.as_number(other, other_kind) }} as y
    from ({{ filled }}) f
    {% if kind in exact or other_kind in exact %}
    cross join (select min({{ column }}) as lx, min({{ other }}) as ly from ({{ filled }}) g) least_values
    {% endif %}
  {% endset -%}
  select
    sum((x - mx) * (y - my)) / nullif(sqrt(sum((x - mx) * (x - mx)) * sum((y - my) * (y - my))), 0) as value,
    {{ synthohive.as_double("count(*)") }} as n
  from ({{ pairs }}) p
  cross join (select avg(x) as mx, avg(y) as my from ({{ pairs }}) q) means
{%- endmacro %}
