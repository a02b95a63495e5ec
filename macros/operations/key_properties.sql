{#- A properties file, as a mapping, whose tests state some keys of a schema. -#}
{% macro key_properties(keys, place, facts) %}
  {%- set sources, seeds, models = {}, [], [] -%}
  {%- for group in keys | groupby("table") -%}
    {%- do synthohive.refuse_jinja([group[0]], in_a_call=true) -%}
    {%- set table, columns, tests = {"name": group[0]}, {}, [] -%}
    {%- for key in group[1] -%}
      {%- do synthohive.refuse_jinja(key.columns + key.to_columns) -%}
      {%- set listed = synthohive.key_test(key, place, facts[key.table]) -%}
      {%- if key.columns | length == 1 -%}
        {%- set name = key.columns[0] -%}
        {%- if name not in columns -%}{%- do columns.update({name: {"name": name, "data_tests": []}}) -%}{%- endif -%}
        {%- if synthohive.needs_quotes(name) -%}{%- do columns[name].update({"quote": true}) -%}{%- endif -%}
        {%- do columns[name].data_tests.extend(listed) -%}
      {%- else -%}
        {%- do tests.extend(listed) -%}
      {%- endif -%}
    {%- endfor -%}
    {%- if tests -%}{%- do table.update({"data_tests": tests}) -%}{%- endif -%}
    {%- if columns -%}{%- do table.update({"columns": columns.values() | list}) -%}{%- endif -%}
    {%- set names = synthohive.node_text(place, group[0]).split("'") -%}
    {%- if names[0] == "source(" -%}
      {%- do sources.setdefault(names[1], []).append(dict(table, name=names[3])) -%}
    {%- else -%}
      {%- do (seeds if synthohive.named_relation(names | join("'")).kind == "seed" else models).append(dict(table, name=names[1])) -%}
    {%- endif -%}
  {%- endfor -%}
  {%- set found = {"version": 2} -%}
  {%- for name, tables in sources.items() -%}
    {%- do found.setdefault("sources", []).append(dict(synthohive.source_header(place), name=name, schema=place.schema, tables=tables)) -%}
  {%- endfor -%}
  {%- if seeds -%}{%- do found.update({"seeds": seeds}) -%}{%- endif -%}
  {%- if models -%}{%- do found.update({"models": models}) -%}{%- endif -%}
  {{ return(found) }}
{% endmacro %}
