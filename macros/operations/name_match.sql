{#-
  How many letters of a column's name tell that it leads to a table's key; 0 if none do. `customer_id` leads to the
  id of raw_customers, and to customer_id anywhere; `billing_customer_id` does, too.
-#}
{% macro name_match(column, table, key) %}
  {%- set column, key = synthohive.flat_name(column), synthohive.flat_name(key) -%}
  {%- set found = namespace(length=0) -%}
  {%- for tail in synthohive.name_tails(table) -%}
    {%- for name in [tail, tail ~ key, tail ~ "id"] if column.endswith(name) -%}
      {%- set found.length = [found.length, name | length] | max -%}
    {%- endfor -%}
  {%- endfor -%}
  {%- if key not in ("id", "key", "code", "number", "no", "uuid", "guid", "name") and column.endswith(key) -%}
    {%- set found.length = [found.length, key | length] | max -%}
  {%- endif -%}
  {{ return(found.length) }}
{% endmacro %}
