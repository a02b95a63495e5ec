{#- A hash of a text in hexadecimal digits. -#}
{% macro hash_of(expression) %}
  {{- return(adapter.dispatch("hash_of", "synthohive")(expression)) -}}
{% endmacro %}

{% macro default__hash_of(expression) %}{{ return("md5(" ~ expression ~ ")") }}{% endmacro %}

{% macro bigquery__hash_of(expression) %}{{ return("to_hex(md5(" ~ expression ~ "))") }}{% endmacro %}

{#- MySQL 9.6 has no MD5. -#}
{% macro mysql__hash_of(expression) %}{{ return("sha2(" ~ expression ~ ", 256)") }}{% endmacro %}

{% macro mariadb__hash_of(expression) %}{{ return(synthohive.mysql__hash_of(expression)) }}{% endmacro %}
