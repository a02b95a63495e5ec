{#- The rows of a query of b_1, v_1, b_2 ... counted by each key alone, in one scan; see key_counts. -#}
{% macro grouped_by_each(rows, keys) %}
  {%- if keys | length == 1 -%}
    {{ return(synthohive.counted_by(rows, keys[0], keys)) }}
  {%- endif -%}
  {{- return(adapter.dispatch("grouped_by_each", "synthohive")(rows, keys)) -}}
{% endmacro %}

{% macro default__grouped_by_each(rows, keys) %}
  select
    {#- No b is NULL but in the rows of other keys. #}
    case {% for key in keys %}when b_{{ key.id }} is not null then {{ key.id }} {% endfor %}end as k,
    coalesce({% for key in keys %}b_{{ key.id }}{% if not loop.last %}, {% endif %}{% endfor %}) as bin,
    {% for key in keys if key.by == "value" %}v_{{ key.id }}, {% endfor %}
    count(*) as n
  from ({{ rows }}) x
  group by grouping sets ({% for key in keys %}(b_{{ key.id }}{% if key.by == "value" %}, v_{{ key.id }}{% endif %}){% if not loop.last %}, {% endif %}{% endfor %})
{% endmacro %}

{#- MySQL and MariaDB have no GROUPING SETS. -#}
{% macro mysql__grouped_by_each(rows, keys) %}
  {%- for key in keys %}
  {{ synthohive.counted_by(rows, key, keys) }}
  {% if not loop.last %}union all{% endif %}
  {%- endfor -%}
{% endmacro %}

{% macro mariadb__grouped_by_each(rows, keys) %}
  {{- return(synthohive.mysql__grouped_by_each(rows, keys)) -}}
{% endmacro %}
