{#- Rows that break a key, of a query of keys with a row count: one row (value, n_rows, n_reference). -#}
{% macro key_breaks(keys, counted, relation, reference) %}
  select
    (select coalesce(sum({{ counted }}), 0) from ({{ keys }}) k) as value,
    (select count(*) from {{ relation }}) as n_rows,
    (select count(*) from {{ reference }}) as n_reference
{%- endmacro %}
