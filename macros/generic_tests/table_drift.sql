{#-
  Several columns are distributed as in the reference, in one pass over both tables: a row for each column whose
  statistic is above its limit. A column is a name, or {name, statistic, limit, reference_column}; see table_checks.
-#}
{% test table_drift(model, reference, columns, max_ks=0.1, max_psi=0.1, max_tvd=0.1, max_share=0, max_difference=0.02, reference_where=none, bins=10, epsilon=0.0001) %}
  {{- return(adapter.dispatch("test_table_drift", "synthohive")(model, reference, columns, max_ks, max_psi, max_tvd, max_share, max_difference, reference_where, bins, epsilon)) -}}
{% endtest %}

{% macro default__test_table_drift(model, reference, columns, max_ks, max_psi, max_tvd, max_share, max_difference, reference_where, bins, epsilon) %}
  {%- do synthohive.refuse_psi_bins("table_drift", bins, epsilon) -%}
  {%- set limits = {"ks": max_ks, "psi": max_psi, "tvd": max_tvd, "domain": max_share, "null_rate": max_difference} -%}
  {%- set checks = synthohive.table_checks(model, reference, columns, limits) -%}
  {%- set drifts = synthohive.column_drifts(model, reference, checks, none, reference_where, bins=bins, epsilon=epsilon) -%}
  {%- set itself = model | string == reference | string and not reference_where and not checks | selectattr("renamed") | list -%}
  select
    '{{ synthohive.label(model) }}' as table_name,
    case found.i {% for check in checks %}when {{ check.id }} then '{{ synthohive.label(check.column) }}' {% endfor %}end as column_name,
    '{{ synthohive.label(reference) }}' as reference_name,
    case found.i {% for check in checks %}when {{ check.id }} then '{{ check.statistic }}' {% endfor %}end as statistic,
    found.value as statistic_value,
    found.allowed,
    found.n_rows,
    found.n_reference,
    {{ synthohive.as_text("null") }} as group_value,
    {{ synthohive.drift_message(itself) }} as message
  from ({{ drifts }}) found
  {{ synthohive.only_failing() }}
  where {% if synthohive.is_empty_run() %}1 = 0{% else %}found.value is null or not (found.value <= found.allowed) {% if itself %}or 1 = 1{% endif %}{% endif %}

{% endmacro %}
