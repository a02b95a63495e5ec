{#- At most `max_share` of the rows have a value that the reference never has. NULLs are left out. -#}
{% test domain_drift(model, column_name, reference, reference_column=none, max_share=0, reference_where=none) %}
  {{- return(adapter.dispatch("test_domain_drift", "synthohive")(model, column_name, reference, reference_column, max_share, reference_where)) -}}
{% endtest %}

{% macro default__test_domain_drift(model, column_name, reference, reference_column, max_share, reference_where) %}
  {%- set statistic = synthohive.outside_domain(model, reference, column_name, reference_column, none, reference_where) -%}
  {{ synthohive.drift_failures(statistic, model, reference, column_name, "share_outside_domain", max_share, reference_column or reference_where) }}
{% endmacro %}
