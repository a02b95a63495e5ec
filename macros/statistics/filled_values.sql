{#-
  A query of (v, n), n being 1: the values of `column` that are neither NULL nor NaN, and, where there is a
  `position`, what that expression makes of them, as x.
-#}
{% macro filled_values(relation, column, kind, where=none, position=none) %}
  select {{ column }} as v, 1 as n{% if position %}, {{ position }} as x{% endif %}
  from {{ synthohive.table_reference(relation) }}
  where {{ synthohive.is_filled(column, kind) }} {% if where %}and ({{ where }}){% endif %}
{%- endmacro %}
