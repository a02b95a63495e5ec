{#- Those of dbt's results that are of this package's tests. -#}
{% macro own_results(results) %}
  {%- set found = [] -%}
  {%- for result in results or [] -%}
    {%- if result.node.test_metadata and result.node.test_metadata.namespace == "synthohive" -%}
      {%- do found.append(result) -%}
    {%- endif -%}
  {%- endfor -%}
  {{ return(found) }}
{% endmacro %}
