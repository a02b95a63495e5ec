{#- Pearson's correlation with `other_column` differs from the reference's by at most `max_difference`. -#}
{% test correlation_drift(model, column_name, other_column, reference, reference_column=none, reference_other_column=none, max_difference=0.1, reference_where=none) %}
  {{- return(adapter.dispatch("test_correlation_drift", "synthohive")(model, column_name, other_column, reference, reference_column, reference_other_column, max_difference, reference_where)) -}}
{% endtest %}

{% macro default__test_correlation_drift(model, column_name, other_column, reference, reference_column, reference_other_column, max_difference, reference_where) %}
  {#- Times, intervals and the like have an order, but are no numbers to calculate with. -#}
  {%- set refused = ("text", "boolean", "other") -%}
  {%- set kinds = synthohive.compared_kinds("correlation_drift", model, reference, column_name, reference_column, refused=refused) -%}
  {%- set other_kinds = synthohive.compared_kinds("correlation_drift", model, reference, other_column, reference_other_column, refused=refused) -%}
  {%- set statistic = synthohive.correlation(model, reference, column_name, other_column, reference_column, reference_other_column, none, reference_where, kinds.candidate, other_kinds.candidate, kinds.reference, other_kinds.reference) -%}
  {{ synthohive.drift_failures(statistic, model, reference, column_name ~ ", " ~ other_column, "correlation_difference", max_difference, reference_column or reference_where) }}
{% endmacro %}
