{#- What one column holds; see column_kinds. -#}
{% macro column_kind(relation, column) %}
  {{- return(synthohive.column_kinds(relation, [column])[column]) -}}
{% endmacro %}
