{#-
  Print a properties file for the schema `candidate`: all tests that apply, with `reference` as what it is compared
  with. Every test is tagged `synthetic`.

    dbt run-operation --quiet synthohive.generate_tests --args '{reference: raw, candidate: raw_synthetic}' > models/_raw_synthetic.yml
-#}
{% macro generate_tests(reference=none, candidate=none, limits=none, tags=["synthetic"]) %}
  {%- set checks = synthohive.drift_checks(reference, candidate, limits) -%}
  {%- set places = [synthohive.schema_place(candidate), synthohive.schema_place(reference)] -%}
  {%- for check in checks | rejectattr("test", "none") -%}
    {%- do synthohive.refuse_jinja([check.table], in_a_call=true) -%}
    {%- do synthohive.refuse_jinja([check.under or check.column or ""]) -%}
  {%- endfor -%}
  {%- set sources = [] -%}
  {%- set tables = [] -%}
  {%- set taken = synthohive.test_names(synthohive.source_name(places[0])) -%}
  {%- for group in checks | rejectattr("test", "none") | groupby("table") -%}
    {%- do tables.append(synthohive.table_properties(group[0], group[1], places, tags, taken)) -%}
  {%- endfor -%}
  {%- do sources.append(dict(synthohive.source_header(places[0]), tables=tables)) -%}
  {%- set undeclared = [] -%}
  {%- for table in tables if not synthohive.known_node(places[1], table.name) -%}
    {%- do undeclared.append({"name": table.name}) -%}
  {%- endfor -%}
  {%- if undeclared -%}
    {%- do sources.append(dict(synthohive.source_header(places[1]), tables=undeclared)) -%}
  {%- endif -%}
  {{ print(toyaml({"version": 2, "sources": sources}, sort_keys=false)) }}
{% endmacro %}
