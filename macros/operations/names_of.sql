{#- The first column of a query, as a list. -#}
{% macro names_of(sql) %}
  {{- return(run_query(sql).columns[0].values() | list) -}}
{% endmacro %}
