{% macro as_double(expression) %}
  {{- return("cast(" ~ expression ~ " as " ~ synthohive.double_type() ~ ")") -}}
{% endmacro %}
