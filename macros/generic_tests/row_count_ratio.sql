{#-
  The number of rows is `expected_ratio` times the reference's; `max_difference` is how far the
  ratio may be off, as a share of it.
-#}
{% test row_count_ratio(model, reference, expected_ratio=1, max_difference=0.05, reference_where=none) %}
  {{- return(adapter.dispatch("test_row_count_ratio", "synthohive")(model, reference, expected_ratio, max_difference, reference_where)) -}}
{% endtest %}

{% macro default__test_row_count_ratio(model, reference, expected_ratio, max_difference, reference_where) %}
  {%- set statistic = synthohive.row_count(model, reference, expected_ratio, none, reference_where) -%}
  {{ synthohive.drift_failures(statistic, model, reference, none, "row_count_ratio", max_difference, reference_where) }}
{% endmacro %}
