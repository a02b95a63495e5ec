{#- Another spelling of a fragment of the package, by `dispatch` in dbt_project.yml. -#}
{% macro default__partition_key(expression) %}{{ return("(" ~ expression ~ ")") }}{% endmacro %}
