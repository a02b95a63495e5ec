{% macro as_text(expression) %}
  {{- return(adapter.dispatch("as_text", "synthohive")(expression)) -}}
{% endmacro %}

{% macro default__as_text(expression) %}{{ return("cast(" ~ expression ~ " as varchar)") }}{% endmacro %}

{% macro bigquery__as_text(expression) %}{{ return("cast(" ~ expression ~ " as string)") }}{% endmacro %}

{% macro spark__as_text(expression) %}{{ return("cast(" ~ expression ~ " as string)") }}{% endmacro %}

{% macro mysql__as_text(expression) %}{{ return("cast(" ~ expression ~ " as char)") }}{% endmacro %}

{% macro mariadb__as_text(expression) %}{{ return("cast(" ~ expression ~ " as char)") }}{% endmacro %}
