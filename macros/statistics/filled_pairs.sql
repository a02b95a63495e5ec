{#- A query of two columns, kept under their names, without the rows where one is NULL or NaN. -#}
{% macro filled_pairs(relation, column, other, kind, other_kind, where=none) %}
  select {{ column }}, {{ other }} from {{ synthohive.table_reference(relation) }}
  where {{ synthohive.is_filled(column, kind) }} and {{ synthohive.is_filled(other, other_kind) }}
  {% if where %}and ({{ where }}){% endif %}
{%- endmacro %}
