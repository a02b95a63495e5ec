{#- The name of the engine's 64-bit floating point type; dbt.type_float() is 32-bit on DuckDB. -#}
{% macro double_type() %}
  {{- return(adapter.dispatch("double_type", "synthohive")()) -}}
{% endmacro %}

{% macro default__double_type() %}{{ return("double precision") }}{% endmacro %}

{% macro duckdb__double_type() %}{{ return("double") }}{% endmacro %}

{% macro spark__double_type() %}{{ return("double") }}{% endmacro %}

{% macro bigquery__double_type() %}{{ return("float64") }}{% endmacro %}

{% macro mysql__double_type() %}{{ return("double") }}{% endmacro %}

{#- dispatch does not lead from mariadb to mysql. -#}
{% macro mariadb__double_type() %}{{ return("double") }}{% endmacro %}
