{#- The tests that state a key: dbt's own for one column, this package's for several. -#}
{% macro key_test(key, place, facts) %}
  {%- set columns = synthohive.written_names(key.columns) -%}
  {%- if key.type == "foreign" -%}
    {%- set to, to_columns = synthohive.node_text(place, key.to), synthohive.written_names(key.to_columns) -%}
    {%- if columns | length == 1 -%}
      {{ return([{"relationships": {"arguments": {"to": to, "field": to_columns[0]}}}]) }}
    {%- endif -%}
    {{ return([{"synthohive.no_orphans": {"arguments": {"columns": columns, "to": to, "to_columns": to_columns}}}]) }}
  {%- endif -%}
  {%- set empty = [] -%}
  {%- for name in key.columns if facts[name].filled < facts[name].rows -%}{%- do empty.append(name) -%}{%- endfor -%}
  {%- if columns | length == 1 -%}
    {{ return(["unique"] if empty else ["unique", "not_null"]) }}
  {%- endif -%}
  {{ return([{"synthohive.unique_key": {"arguments": {"columns": columns, "allow_nulls": empty | length > 0}}}]) }}
{% endmacro %}
