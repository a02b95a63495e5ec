{#- Whether all rows agree with a key (as declared_keys describes it): no value repeats, or each leads to one row. -#}
{% macro key_holds(key, tables) %}
  {%- set own = synthohive.quoted_names(key.columns) -%}
  {%- if key.type != "foreign" -%}
    {%- set broken = synthohive.repeated_keys(tables[key.table], own, key.type != "primary") -%}
    {{ return(run_query("select count(*) from (" ~ broken ~ ") k")[0][0] | int == 0) }}
  {%- endif -%}
  {%- set theirs = synthohive.quoted_names(key.to_columns) -%}
  {%- if synthohive.key_kinds(tables[key.table], key.columns) != synthohive.key_kinds(tables[key.to], key.to_columns) -%}
    {{ return(false) }}
  {%- endif -%}
  {%- set repeated = synthohive.repeated_keys(tables[key.to], theirs) -%}
  {%- set orphans = synthohive.orphan_keys(tables[key.table], own, tables[key.to], theirs) -%}
  {{ return(run_query("select count(*) from (" ~ repeated ~ ") k")[0][0] | int == 0 and run_query("select count(*) from (" ~ orphans ~ ") k")[0][0] | int == 0) }}
{% endmacro %}
