{#-
  A column of personal data shares at most `max_values` distinct values with the real one.
  The failing row tells how many, never which.
-#}
{% test no_copied_values(model, column_name, reference, reference_column=none, max_values=0, reference_where=none) %}
  {{- return(adapter.dispatch("test_no_copied_values", "synthohive")(model, column_name, reference, reference_column, max_values, reference_where)) -}}
{% endtest %}

{% macro default__test_no_copied_values(model, column_name, reference, reference_column, max_values, reference_where) %}
  {%- set statistic = synthohive.copied_values(model, reference, column_name, reference_column, none, reference_where) -%}
  {{ synthohive.drift_failures(statistic, model, reference, column_name, "copied_values", max_values, reference_column or reference_where) }}
{% endmacro %}
