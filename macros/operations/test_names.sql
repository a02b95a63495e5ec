{#- The names of the project's tests but those of a source, whose file is about to be written. -#}
{% macro test_names(source) %}
  {%- set found = [] -%}
  {%- for node in graph.nodes.values() if node.resource_type == "test" and node.file_key_name != "sources." ~ source -%}
    {%- do found.append(node.name) -%}
  {%- endfor -%}
  {{ return(found) }}
{% endmacro %}
