{#- Whether dbt runs with --empty: no table has rows then, which proves nothing. -#}
{% macro is_empty_run() %}
  {{- return(flags.EMPTY == true) -}}
{% endmacro %}
