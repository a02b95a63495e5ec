{#-
  A query of (v, cs, cr): each distinct value v of two queries of (v, n), with the sum of n in the
  candidate (cs) and in the reference (cr), as floats. NULL is a value like any other.
-#}
{% macro value_counts(candidate, reference) %}
  select v, {{ synthohive.as_double("sum(s)") }} as cs, {{ synthohive.as_double("sum(r)") }} as cr
  from (
    select v, n as s, 0 as r from ({{ candidate }}) a
    union all
    select v, 0 as s, n as r from ({{ reference }}) b
  ) u
  group by v
{%- endmacro %}
