{#-
  Whether what a variable names is read elsewhere. Not before dbt knows the project; not what has no table of its own (an
  ephemeral model, the rows given to a unit test); not by a test of this package that compares with real tables.
-#}
{% macro is_redirected(relation, wanted) %}
  {%- set test = model.test_metadata if model is defined else none -%}
  {%- set compares = test and test.namespace == "synthohive" and "reference" in test.kwargs -%}
  {{ return(execute and wanted and relation.schema and not compares) }}
{% endmacro %}
