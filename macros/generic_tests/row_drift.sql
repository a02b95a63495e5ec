{#-
  Rows cannot be told from those of the reference: the area under the ROC curve of a classifier, on rows that it has not
  seen, is at most `max_auc`, for whole rows, each of `columns`, and what each pair of them says together. The failing
  rows name the columns and pairs that give the difference away (see told_apart).
-#}
{% test row_drift(model, columns, reference, reference_columns=none, max_auc=0.6, reference_where=none, max_rows=20000, bins=8) %}
  {{- return(adapter.dispatch("test_row_drift", "synthohive")(model, columns, reference, reference_columns, max_auc, reference_where, max_rows, bins)) -}}
{% endtest %}

{% macro default__test_row_drift(model, columns, reference, reference_columns, max_auc, reference_where, max_rows, bins) %}
  {%- set compared = synthohive.key_columns("row_drift", columns) -%}
  {%- set others = synthohive.key_columns("row_drift", reference_columns or compared) -%}
  {%- if compared | length != others | length or compared | length > 12 -%}
    {{ exceptions.raise_compiler_error("row_drift: takes up to 12 columns and as many reference_columns; there are " ~ compared | length ~ " and " ~ others | length) }}
  {%- endif -%}
  {%- set kinds = [] -%}
  {%- for column in others -%}
    {%- set kind = synthohive.column_kind(reference, column) -%}
    {%- do kinds.append(synthohive.column_kind(model, compared[loop.index0]) if kind == "unknown" else kind) -%}
  {%- endfor -%}
  {%- set statistic = synthohive.told_apart(model, reference, compared, others, kinds, reference_where, max_rows, bins) -%}
  {{ synthohive.drift_failures(statistic, model, reference, compared | join(", "), "auc", max_auc, reference_columns or reference_where, grouped=true) }}
{% endmacro %}
