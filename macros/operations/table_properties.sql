{#- A table of a properties file with its tests, from its checks. The tests' names are added to `taken`. -#}
{% macro table_properties(table, checks, places, tags, taken) %}
  {%- set own, columns = [], {} -%}
  {#- An empty real table proves nothing, and a test of one cannot pass. -#}
  {%- for check in checks if not check.empty -%}
    {%- set arguments = {} -%}
    {%- for name, value in check.arguments.items() -%}
      {%- set place = {"to": places[0], "reference": places[1], "reference_to": places[1]}.get(name) -%}
      {%- do arguments.update({name: synthohive.node_text(place, value) if place else (value | list if value is sequence and value is not string else value)}) -%}
    {%- endfor -%}
    {%- if check.limit_name -%}{%- do arguments.update({check.limit_name: check.limit}) -%}{%- endif -%}
    {%- set name = synthohive.short_name(check.test, table, check.column, places[0].schema, taken) -%}
    {%- set test = {"synthohive." ~ check.test: {"name": name, "arguments": arguments, "config": {"tags": tags | list}}} -%}
    {%- set column = check.under or check.column -%}
    {%- if not column or "columns" in arguments -%}
      {%- do own.append(test) -%}
    {%- elif column in columns -%}
      {%- do columns[column].data_tests.append(test) -%}
    {%- else -%}
      {%- set properties = {"name": column} -%}
      {%- if synthohive.needs_quotes(column) -%}{%- do properties.update({"quote": true}) -%}{%- endif -%}
      {%- do columns.update({column: dict(properties, data_tests=[test])}) -%}
    {%- endif -%}
  {%- endfor -%}
  {%- set properties = {"name": table, "data_tests": own} -%}
  {%- if columns -%}{%- do properties.update({"columns": columns.values() | list}) -%}{%- endif -%}
  {{ return(properties) }}
{% endmacro %}
