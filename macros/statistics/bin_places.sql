{#-
  Where the bins of columns of a relation lie: a query of one row, `lo_i`, `hi_i` and `scale_i` for each key i
  that is binned. They span six standard deviations about the mean: any number of values may lie beyond, which
  costs a search of more rows at worst.
-#}
{% macro bin_places(relation, keys, where, intervals) %}
  select
    {% for key in keys %}
    lo_{{ key.id }}, hi_{{ key.id }}, case when hi_{{ key.id }} - lo_{{ key.id }} > 1e-290 then {{ intervals }} / (hi_{{ key.id }} - lo_{{ key.id }}) else 0 end as scale_{{ key.id }}{% if not loop.last %},{% endif %}
    {% endfor %}
  from (
    select
      {% for key in keys %}
      {%- set x = "x_" ~ key.id -%}
      {%- set reach = "3 * coalesce(stddev(" ~ x ~ "), 0)" %}
      coalesce(avg({{ x }}) - {{ reach }}, 0) as lo_{{ key.id }},
      coalesce(avg({{ x }}) + {{ reach }}, 0) as hi_{{ key.id }}{% if not loop.last %},{% endif %}
      {% endfor %}
    from (
      select
        {% for key in keys %}
        {%- set number = synthohive.as_number(key.column, key.kind) -%}
        {#- Infinities and NaN lie outside, and squares of what is inside are numbers. -#}
        {%- if key.kind in ("date", "timestamp") %}{{ number }}{% else %}case when {{ number }} between -1e150 and 1e150 then {{ number }} end{% endif %} as x_{{ key.id }}{% if not loop.last %},{% endif %}
        {% endfor %}
      from {{ synthohive.table_reference(relation) }} {% if where %}where {{ where }}{% endif %}
    ) filled
  ) spans
{%- endmacro %}
