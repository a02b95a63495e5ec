{#-
  Every check that applies to a pair of schemas: a list of {table, column, test, limit_name, limit,
  arguments, sql}, `sql` giving one row (value, n_rows, n_reference). A table or column that the candidate
  lacks is a check without SQL. Columns of keys are checked as keys, all others by their values.
-#}
{% macro drift_checks(reference, candidate, limits=none, exact_rows=200000) %}
  {%- set limits = limits or {} -%}
  {%- set real, synthetic = synthohive.schema_tables(reference), synthohive.schema_tables(candidate) -%}
  {%- set place = synthohive.schema_place(reference) -%}
  {%- set keys = synthohive.known_keys(place, real) -%}
  {%- set checks = [] -%}
  {%- set facts = {} -%}
  {%- for table in real -%}
    {%- do facts.update({table: synthohive.column_facts(real[table])}) -%}
  {%- endfor -%}
  {%- for table in real -%}
    {%- if table not in synthetic -%}
      {%- do checks.append({"table": table, "column": none, "test": none, "missing": "the table is missing"}) -%}
    {%- else -%}
      {%- do checks.extend(synthohive.key_checks(table, real, synthetic, keys, facts, limits)) -%}
      {%- do checks.extend(synthohive.column_checks(table, real, synthetic, keys, facts[table], limits, exact_rows)) -%}
    {%- endif -%}
  {%- endfor -%}
  {{ return(checks) }}
{% endmacro %}
