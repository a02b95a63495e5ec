{#- One query of many checks: a row (table_name, column_name, statistic, value, allowed, n_rows, n_reference, verdict) each. -#}
{% macro drift_query(checks) %}
  {%- for check in checks %}
  select
    '{{ synthohive.label(check.table) }}' as table_name,
    '{{ synthohive.label(check.column or "") }}' as column_name,
    '{{ check.test or "structure" }}' as statistic,
    {%- if check.sql %}
    {{ synthohive.as_double("c.value") }} as value,
    {{ synthohive.as_double(check.limit) }} as allowed,
    {{ synthohive.as_double("c.n_rows") }} as n_rows,
    {{ synthohive.as_double("c.n_reference") }} as n_reference,
    case
      when c.n_rows = 0 and c.n_reference = 0 then 'both are empty'
      when c.n_rows = 0 then 'EMPTY'
      when c.value is null then 'NO VALUE'
      when c.value <= {{ check.limit }} then 'ok'
      else 'DRIFT'
    end as verdict
  from ({{ check.sql }}) c
    {%- else %}
    {{ synthohive.as_double("null") }} as value,
    {{ synthohive.as_double("null") }} as allowed,
    {{ synthohive.as_double("null") }} as n_rows,
    {{ synthohive.as_double("null") }} as n_reference,
    'MISSING' as verdict
    {%- endif %}
  {% if not loop.last %}union all{% endif %}
  {%- endfor %}
{%- endmacro %}
