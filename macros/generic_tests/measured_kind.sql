{#- What a column holds (see column_kind) for a test that compares by size, which texts and booleans have none of; `known` where it was asked. -#}
{% macro measured_kind(test_name, relation, column, refused=("text", "boolean"), known=none) %}
  {%- set kind = known or synthohive.column_kind(relation, column) -%}
  {%- if kind in refused -%}
    {{ exceptions.raise_compiler_error(test_name ~ ": " ~ column ~ " of " ~ synthohive.label(relation) ~ " is a " ~ {"other": "value of another kind"}.get(kind, kind) ~ "; this test is for numbers, dates and timestamps. For categories take tvd_drift and domain_drift") }}
  {%- endif -%}
  {{ return(kind) }}
{% endmacro %}
