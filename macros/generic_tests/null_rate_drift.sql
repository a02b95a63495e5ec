{#- The shares of NULL differ by at most `max_difference`. -#}
{% test null_rate_drift(model, column_name, reference, reference_column=none, max_difference=0.02, reference_where=none) %}
  {{- return(adapter.dispatch("test_null_rate_drift", "synthohive")(model, column_name, reference, reference_column, max_difference, reference_where)) -}}
{% endtest %}

{% macro default__test_null_rate_drift(model, column_name, reference, reference_column, max_difference, reference_where) %}
  {%- set statistic = synthohive.null_rate(model, reference, column_name, reference_column, none, reference_where) -%}
  {{ synthohive.drift_failures(statistic, model, reference, column_name, "null_rate_difference", max_difference, reference_column or reference_where) }}
{% endmacro %}
