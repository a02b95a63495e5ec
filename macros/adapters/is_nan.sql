{#- A condition: the floating point expression is NaN, which SQL engines compare in their own ways. -#}
{% macro is_nan(expression) %}
  {{- return(adapter.dispatch("is_nan", "synthohive")(expression)) -}}
{% endmacro %}

{#- PostgreSQL, Redshift, Snowflake: NaN equals itself. -#}
{% macro default__is_nan(expression) %}
  {{- return(expression ~ " = cast('NaN' as " ~ synthohive.double_type() ~ ")") -}}
{% endmacro %}

{% macro duckdb__is_nan(expression) %}{{ return("isnan(" ~ expression ~ ")") }}{% endmacro %}

{% macro spark__is_nan(expression) %}{{ return("isnan(" ~ expression ~ ")") }}{% endmacro %}

{% macro bigquery__is_nan(expression) %}{{ return("is_nan(" ~ expression ~ ")") }}{% endmacro %}

{#- MySQL and MariaDB have no NaN. -#}
{% macro mysql__is_nan(expression) %}{{ return("false") }}{% endmacro %}

{% macro mariadb__is_nan(expression) %}{{ return("false") }}{% endmacro %}
