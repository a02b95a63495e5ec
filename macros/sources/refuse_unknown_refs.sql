{#- Stop where the variable `synthohive_refs` names what is not there: real rows would be read unnoticed. -#}
{% macro refuse_unknown_refs(wanted) %}
  {%- for name in wanted if name not in ["seeds", "snapshots", "models"] -%}
    {%- set known = [] -%}
    {%- for kind in ["seed", "snapshot", "model"] if kind ~ "." ~ project_name ~ "." ~ name in graph.nodes -%}
      {%- do known.append(kind) -%}
    {%- endfor -%}
    {#- Of another package, or with a version: only then are all nodes looked through. -#}
    {%- if not known and not graph.nodes.values() | selectattr("name", "equalto", name) | list -%}
      {%- do exceptions.raise_compiler_error(
        "synthetic_ref: '" ~ name ~ "', which the variable synthohive_refs names, is none of seeds, snapshots and models,"
        ~ " and no node of the project."
      ) -%}
    {%- endif -%}
  {%- endfor -%}
{% endmacro %}
