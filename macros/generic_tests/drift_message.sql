{#- What a failing row of a drift test says, of a row `found` of (value, n_rows, n_reference); of one that leaves small groups out that none was left. -#}
{% macro drift_message(itself, min_group_rows=none) %}
  case
    {% if itself %}when 1 = 1 then 'compared with itself: `reference` is the table that is tested'{% endif %}
    when found.n_rows = 0 then 'nothing to test: no rows, or only NULLs'
    when found.n_reference = 0 then 'nothing to compare with: the reference has no rows, or only NULLs'
    {% if min_group_rows is not none %}when found.value is null then 'no group has {{ min_group_rows }} rows in the reference (min_group_rows)'
    {% endif %}when found.value is null then 'the statistic has no value'
    else 'the statistic is above what is allowed'
  end
{%- endmacro %}
