{#-
  Each parent has as many children as in the reference: the Kolmogorov-Smirnov statistic of the number of
  children per parent, parents without any included, is at most `max_ks`.
-#}
{% test fan_out_drift(model, to, reference, reference_to, columns=none, column_name=none, to_columns=none, reference_columns=none, reference_to_columns=none, max_ks=0.05, reference_where=none) %}
  {{- return(adapter.dispatch("test_fan_out_drift", "synthohive")(model, to, reference, reference_to, columns, column_name, to_columns, reference_columns, reference_to_columns, max_ks, reference_where)) -}}
{% endtest %}

{% macro default__test_fan_out_drift(model, to, reference, reference_to, columns, column_name, to_columns, reference_columns, reference_to_columns, max_ks, reference_where) %}
  {%- set key = synthohive.key_columns("fan_out_drift", columns, column_name) -%}
  {%- set statistic = synthohive.fan_out(model, key, to, synthohive.key_columns("fan_out_drift", to_columns or key), reference, reference_to, reference_columns, reference_to_columns, reference_where) -%}
  {{ synthohive.drift_failures(statistic, model, reference, key | join(", "), "fan_out_ks", max_ks, reference_where) }}
{% endmacro %}
