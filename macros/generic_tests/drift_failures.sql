{#-
  The failing row of a drift test, if there is one: the statistic is above its limit, or has no
  value because one side has no rows (or no values), or a table is compared with itself, which
  would always pass (`other_side` is what else tells the sides apart). `statistic_sql` gives one
  row (value, n_rows, n_reference), and with `grouped` a `group_value`: the group that the row is about. Under
  `--empty` it only has to run.
-#}
{% macro drift_failures(statistic_sql, model, reference, column, statistic, limit, other_side=none, grouped=false, min_group_rows=none) %}
  {{- return(adapter.dispatch("drift_failures", "synthohive")(statistic_sql, model, reference, column, statistic, limit, other_side, grouped, min_group_rows)) -}}
{% endmacro %}

{% macro default__drift_failures(statistic_sql, model, reference, column, statistic, limit, other_side, grouped, min_group_rows) %}
  {%- set itself = model | string == reference | string and not other_side -%}
  select
    '{{ synthohive.label(model) }}' as table_name,
    '{{ synthohive.label(column or "") }}' as column_name,
    '{{ synthohive.label(reference) }}' as reference_name,
    '{{ statistic }}' as statistic,
    found.value as statistic_value,
    {{ limit }} as allowed,
    found.n_rows,
    found.n_reference,
    {{ "found.group_value" if grouped else synthohive.as_text("null") }} as group_value,
    {{ synthohive.drift_message(itself, min_group_rows) }} as message
  from ({{ statistic_sql }}) found
  {{ synthohive.only_failing() }}
  where {% if synthohive.is_empty_run() %}1 = 0{% else %}found.value is null or not (found.value <= {{ limit }}) {% if itself %}or 1 = 1{% endif %}{% endif %}
{%- endmacro %}
