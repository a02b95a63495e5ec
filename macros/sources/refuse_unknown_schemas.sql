{#- Stop where the variable `synthohive_schemas` names a schema of no source: real rows would be read unnoticed. -#}
{% macro refuse_unknown_schemas(wanted) %}
  {%- set schemas = graph.sources.values() | map(attribute="schema") | list -%}
  {%- set full_names = [] -%}
  {%- for source in graph.sources.values() -%}
    {%- do full_names.append((source.database or "") ~ "." ~ source.schema) -%}
  {%- endfor -%}
  {%- for name in wanted if name not in schemas and name not in full_names -%}
    {%- do exceptions.raise_compiler_error(
      "synthetic_source: no source lies in the schema '" ~ name ~ "', which the variable synthohive_schemas names."
      ~ " Sources lie in: " ~ schemas | unique | sort | join(", ") ~ "."
    ) -%}
  {%- endfor -%}
{% endmacro %}
