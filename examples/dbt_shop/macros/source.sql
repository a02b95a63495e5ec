{% macro source() %}
  {{ return(synthohive.synthetic_source(builtins.source(*varargs))) }}
{% endmacro %}
