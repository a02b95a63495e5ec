{#- How a properties file names a table of a schema, known to the project or about to be declared. -#}
{% macro node_text(place, table) %}
  {{- return(synthohive.known_node(place, table) or "source('" ~ synthohive.source_name(place) ~ "', '" ~ table ~ "')") -}}
{% endmacro %}
