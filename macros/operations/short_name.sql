{#-
  A test's name, such as ks_drift_orders_amount, which is added to the list `taken`; the schema is part of it
  where it is taken already. At most 63 bytes: PostgreSQL's names, and so the table that stores failures.
  dbt_synthohive.names does the same.
-#}
{% macro short_name(test, table, columns, schema, taken) %}
  {%- set parts = [test, table, columns or ""] -%}
  {%- set name = modules.re.sub("[^0-9A-Za-z]+", "_", parts | join("_")).strip("_") -%}
  {%- if name in taken -%}
    {%- set name = modules.re.sub("[^0-9A-Za-z]+", "_", (parts + [schema]) | join("_")).strip("_") -%}
  {%- endif -%}
  {%- set found = [name[:63]] -%}
  {%- if found[-1] in taken -%}
    {%- for number in range(2, taken | length + 3) if found[-1] in taken -%}
      {%- do found.append(name[:62 - number | string | length] ~ "_" ~ number) -%}
    {%- endfor -%}
  {%- endif -%}
  {%- do taken.append(found[-1]) -%}
  {{ return(found[-1]) }}
{% endmacro %}
