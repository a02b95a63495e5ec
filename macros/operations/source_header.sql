{#- The first lines of a source over a schema. -#}
{% macro source_header(place) %}
  {%- set header = {"name": synthohive.source_name(place)} -%}
  {%- if place.database and place.database != target.database -%}{%- do header.update({"database": place.database}) -%}{%- endif -%}
  {%- if header.name != place.schema -%}{%- do header.update({"schema": place.schema}) -%}{%- endif -%}
  {{ return(header) }}
{% endmacro %}
