{#-
  Where a seed, snapshot or model is read from: its own schema, or the synthetic one that the variable
  `synthohive_refs` names for it. Put this into your project as macros/ref.sql:

    {% raw %}{% macro ref() %}
      {{ return(synthohive.synthetic_ref(builtins.ref(*varargs, **kwargs))) }}
    {% endmacro %}{% endraw %}

  and run `dbt build --exclude-resource-type seed --vars '{synthohive_refs: {seeds: seeds_synthetic}}'`: what is
  redirected (`seeds`, `snapshots`, `models`, or one of them by its name, which counts more) to a schema or
  "database.schema". The drift tests of this package, which compare with real tables, are not redirected.
-#}
{% macro synthetic_ref(relation) %}
  {%- set wanted = var("synthohive_refs", {}) -%}
  {%- if not synthohive.is_redirected(relation, wanted) -%}
    {{ return(relation) }}
  {%- endif -%}
  {%- do synthohive.refuse_unknown_refs(wanted) -%}
  {%- set ids = model.depends_on.nodes if model is defined and model.depends_on is defined else graph.nodes -%}
  {%- set named = [] -%}
  {%- for id in ids if id in graph.nodes and graph.nodes[id].alias == relation.identifier -%}
    {%- do named.append(graph.nodes[id]) -%}
  {%- endfor -%}
  {#- A relation that dbt defers to another environment lies in another schema than its node. -#}
  {%- for node in (named | selectattr("schema", "equalto", relation.schema) | list or named)[:1] -%}
    {%- set place = wanted.get(node.name, wanted.get(node.resource_type ~ "s")) -%}
    {{ return(synthohive.in_schema(relation, place)) }}
  {%- endfor -%}
  {{ return(relation) }}
{% endmacro %}
