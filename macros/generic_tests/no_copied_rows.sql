{#-
  At most `max_share` of the rows equal a row of the reference in all `columns` (NULL equals NULL).
  Give the columns that together would tell a person, without keys.
-#}
{% test no_copied_rows(model, columns, reference, reference_columns=none, max_share=0, reference_where=none) %}
  {{- return(adapter.dispatch("test_no_copied_rows", "synthohive")(model, columns, reference, reference_columns, max_share, reference_where)) -}}
{% endtest %}

{% macro default__test_no_copied_rows(model, columns, reference, reference_columns, max_share, reference_where) %}
  {%- set compared = synthohive.key_columns("no_copied_rows", columns) -%}
  {%- set statistic = synthohive.copied_rows(model, reference, compared, reference_columns, none, reference_where) -%}
  {{ synthohive.drift_failures(statistic, model, reference, compared | join(", "), "share_of_copied_rows", max_share, reference_columns or reference_where) }}
{% endmacro %}
