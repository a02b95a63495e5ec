{#- Whether what is rendered is a test of this package that compares with real tables: these stay as they are. -#}
{% macro compares_with_real() %}
  {%- set test = model.test_metadata if model is defined else none -%}
  {{ return(test and test.namespace == "synthohive" and "reference" in test.kwargs) }}
{% endmacro %}
