{#- The statistic by which table_drift compares a column that comes without one, by its kinds on both sides. -#}
{% macro usual_statistic(column, kinds) %}
  {%- set kind = kinds.candidate if kinds.reference == "unknown" else kinds.reference -%}
  {%- if kind in ("float", "number", "date", "timestamp") -%}
    {{ return("ks") }}
  {%- elif kind in ("text", "boolean") -%}
    {{ return("tvd") }}
  {%- elif kind == "unknown" and synthohive.asks_warehouse() -%}
    {{ exceptions.raise_compiler_error("table_drift: what " ~ column ~ " holds cannot be told: the table has no such column, or is an ephemeral model. Give its `statistic`") }}
  {%- endif -%}
  {{ return("null_rate") }}
{% endmacro %}
