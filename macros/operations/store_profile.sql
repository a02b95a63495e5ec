{#-
  Keep what the columns of a schema look like now, in the table `synthohive_profiles`: of numbers, dates and timestamps
  how many rows are up to each of about `bins` values, of other columns with at most 1,000 values how many rows have each.
  A profile of that name is replaced. Columns that are marked as personal data are left out, values of fewer
  than `min_rows` rows are counted together. The test stored_drift compares with it.

    dbt run-operation synthohive.store_profile --args '{schema: raw, profile: june}'
-#}
{% macro store_profile(schema, profile, tables=none, bins=200, min_rows=5) %}
  {%- set found = synthohive.schema_tables(schema) -%}
  {%- set wanted = synthohive.refuse_unknown_tables("store_profile", tables, found | list) -%}
  {%- set text, number = dbt.type_string(), synthohive.double_type() -%}
  {%- set target_table = synthohive.own_table("synthohive_profiles", [
    ("profile", text), ("stored_at", dbt.type_timestamp()), ("table_name", text), ("column_name", text),
    ("part", text), ("value", text), ("edge", number), ("n_below", number), ("n", number),
  ]) -%}
  {%- set counts = {"tables": 0, "columns": 0} -%}
  {%- for table, relation in found.items() if not wanted or table in wanted -%}
    {%- set queries = [] -%}
    {%- set personal = synthohive.personal_columns(relation) -%}
    {%- for fact in synthohive.column_facts(relation).values() if fact.filled and fact.name not in personal -%}
      {%- set place = [profile, table, fact.name] | map("replace", "'", "''") | list -%}
      {%- set head = "select '" ~ place[0] ~ "', " ~ dbt.current_timestamp() ~ ", '" ~ place[1] ~ "', '" ~ place[2] ~ "', " -%}
      {%- if fact.kind in ("float", "number", "date", "timestamp") -%}
        {%- do queries.append(head ~ "'edge', " ~ synthohive.as_text("null") ~ ", edge, n_below, n_up_to from (" ~ synthohive.profile_edges(relation, fact.quoted, fact.kind, bins) ~ ") edges") -%}
      {%- elif fact.kind != "other" and fact.distinct <= 1000 -%}
        {%- do queries.append(head ~ "part, value, " ~ synthohive.as_double("null") ~ ", " ~ synthohive.as_double("null") ~ ", n from (" ~ synthohive.profile_values(relation, fact.quoted, min_rows) ~ ") counts") -%}
      {%- endif -%}
    {%- endfor -%}
    {%- if queries -%}
      {%- set names = [profile, table] | map("replace", "'", "''") | list -%}
      {%- do synthohive.execute_all(
        ["delete from " ~ target_table ~ " where profile = '" ~ names[0] ~ "' and table_name = '" ~ names[1] ~ "'"]
        + ["insert into " ~ target_table ~ " " ~ queries | join(" union all ")]
      ) -%}
      {%- do counts.update({"tables": counts.tables + 1, "columns": counts.columns + queries | length}) -%}
    {%- endif -%}
  {%- endfor -%}
  {%- do print("Profile '" ~ profile ~ "': " ~ counts.columns ~ " columns of " ~ counts.tables ~ " tables of " ~ schema ~ ", in " ~ target_table) -%}
{% endmacro %}
