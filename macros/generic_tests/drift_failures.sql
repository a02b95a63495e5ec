{#-
  The failing row of a drift test, if there is one: the statistic is above its limit, or has no
  value because one side has no rows (or no values). `statistic_sql` gives one row
  (value, n_rows, n_reference).
-#}
{% macro drift_failures(statistic_sql, model, reference, column, statistic, limit) %}
  {{- return(adapter.dispatch("drift_failures", "synthohive")(statistic_sql, model, reference, column, statistic, limit)) -}}
{% endmacro %}

{% macro default__drift_failures(statistic_sql, model, reference, column, statistic, limit) %}
  select
    '{{ synthohive.label(model) }}' as table_name,
    '{{ synthohive.label(column or "") }}' as column_name,
    '{{ synthohive.label(reference) }}' as reference_name,
    '{{ statistic }}' as statistic,
    found.value as statistic_value,
    {{ limit }} as allowed,
    found.n_rows,
    found.n_reference,
    case
      when found.n_rows = 0 then 'nothing to test: no rows, or only NULLs'
      when found.n_reference = 0 then 'nothing to compare with: the reference has no rows, or only NULLs'
      when found.value is null then 'the statistic has no value'
      else 'the statistic is above what is allowed'
    end as message
  from ({{ statistic_sql }}) found
  where found.value is null or not (found.value <= {{ limit }})
{%- endmacro %}
