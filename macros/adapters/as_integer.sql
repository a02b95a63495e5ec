{#- A number as a 64-bit integer, rounded as the engine rounds. -#}
{% macro as_integer(expression) %}
  {{- return(adapter.dispatch("as_integer", "synthohive")(expression)) -}}
{% endmacro %}

{% macro default__as_integer(expression) %}{{ return("cast(" ~ expression ~ " as bigint)") }}{% endmacro %}

{% macro bigquery__as_integer(expression) %}{{ return("cast(" ~ expression ~ " as int64)") }}{% endmacro %}

{% macro mysql__as_integer(expression) %}{{ return("cast(" ~ expression ~ " as signed)") }}{% endmacro %}

{% macro mariadb__as_integer(expression) %}{{ return("cast(" ~ expression ~ " as signed)") }}{% endmacro %}
