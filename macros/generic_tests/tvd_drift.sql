{#-
  The shares of categories are those of the reference: the total variation distance is at most
  `max_tvd`. NULL is one more category.
-#}
{% test tvd_drift(model, column_name, reference, reference_column=none, max_tvd=0.1, reference_where=none) %}
  {{- return(adapter.dispatch("test_tvd_drift", "synthohive")(model, column_name, reference, reference_column, max_tvd, reference_where)) -}}
{% endtest %}

{% macro default__test_tvd_drift(model, column_name, reference, reference_column, max_tvd, reference_where) %}
  {%- set statistic = synthohive.tvd(model, reference, column_name, reference_column, none, reference_where) -%}
  {{ synthohive.drift_failures(statistic, model, reference, column_name, "tvd", max_tvd, reference_column or reference_where) }}
{% endmacro %}
