{#- At most `max_share` of the values lie outside of the reference's range. -#}
{% test range_drift(model, column_name, reference, reference_column=none, max_share=0, reference_where=none) %}
  {{- return(adapter.dispatch("test_range_drift", "synthohive")(model, column_name, reference, reference_column, max_share, reference_where)) -}}
{% endtest %}

{% macro default__test_range_drift(model, column_name, reference, reference_column, max_share, reference_where) %}
  {%- set kinds = synthohive.compared_kinds("range_drift", model, reference, column_name, reference_column) -%}
  {%- set statistic = synthohive.outside_range(model, reference, column_name, reference_column, none, reference_where, kinds.candidate, kinds.reference) -%}
  {{ synthohive.drift_failures(statistic, model, reference, column_name, "share_outside_range", max_share, reference_column or reference_where) }}
{% endmacro %}
