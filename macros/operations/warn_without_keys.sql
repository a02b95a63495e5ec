{#- Warn if relationships are tested of what is made of a schema's tables: none of them became a key. -#}
{% macro warn_without_keys(place) %}
  {%- set lost = namespace(count=0) -%}
  {%- for test in synthohive.key_tests() if test.parent -%}
    {%- if synthohive.is_made_of(test.child.unique_id, place) and synthohive.is_made_of(test.parent.unique_id, place) -%}
      {%- set lost.count = lost.count + 1 -%}
    {%- endif -%}
  {%- endfor -%}
  {%- if lost.count -%}
    {%- do exceptions.warn("No foreign keys are known of the tables in '" ~ place.schema ~ "', though " ~ lost.count ~ " relationships of models over them are tested. `dbt run-operation synthohive.suggest_keys --args '{schema: " ~ place.schema ~ "}'` prints those that names and data support") -%}
  {%- endif -%}
{% endmacro %}
