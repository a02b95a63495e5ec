{#-
  The end of a key test, after the CTEs `relation` and `failing` (the key's columns and `counted`):
  one row for each failing key if they hold more than `limit` rows (SQL, which may use t.n_rows), or one for an empty
  table (unless they all are, under `--empty`).
-#}
{% macro key_failures(relation, key, failing, counted, message, limit, allow_empty) %}
  totals as (
    select
      (select count(*) from {{ relation }}) as n_rows,
      (select coalesce(sum({{ counted }}), 0) from {{ failing }}) as n_failing
  ),
  measured as (select n_rows, n_failing, {{ limit }} as allowed from totals t)
  {{ synthohive.only_failing() }}
  select
    {% for column in key %}f.{{ column }}, {% endfor %}
    f.{{ counted }},
    t.n_rows,
    t.n_failing,
    t.allowed,
    '{{ message }}' as message
  from {{ failing }} f
  cross join measured t
  where t.n_failing > t.allowed
  {% if not allow_empty and not synthohive.is_empty_run() %}
  union all
  select {% for column in key %}null, {% endfor %}null, n_rows, n_failing, allowed, 'the table is empty'
  from measured
  where n_rows = 0
  {% endif %}
{%- endmacro %}
