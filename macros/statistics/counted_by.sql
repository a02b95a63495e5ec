{#- The rows of a query of b_1, v_1, b_2 ... counted by one key; see key_counts. -#}
{% macro counted_by(rows, key, keys) %}
  select
    {{ key.id }} as k,
    b_{{ key.id }} as bin,
    {% for other in keys if other.by == "value" %}{% if other.id == key.id %}v_{{ key.id }}{% else %}null as v_{{ other.id }}{% endif %}, {% endfor %}
    count(*) as n
  from ({{ rows }}) x
  group by b_{{ key.id }}{% if key.by == "value" %}, v_{{ key.id }}{% endif %}
{%- endmacro %}
