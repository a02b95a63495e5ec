{#-
  A column is distributed as when a profile was stored (see store_profile): the Kolmogorov-Smirnov statistic of
  numbers, dates and timestamps, or else the total variation distance, is at most `max_distance`.
-#}
{% test stored_drift(model, column_name, profile, table_name=none, stored_column=none, max_distance=0.1) %}
  {{- return(adapter.dispatch("test_stored_drift", "synthohive")(model, column_name, profile, table_name, stored_column, max_distance)) -}}
{% endtest %}

{% macro default__test_stored_drift(relation, column_name, profile, table_name, stored_column, max_distance) %}
  {#- With a `where` the relation is a query: what it is called stands in the test. -#}
  {%- set tested = synthohive.named_relation(model.test_metadata.kwargs.model) if execute else none -%}
  {%- set kind = synthohive.column_kind(relation, column_name) -%}
  {%- set plain = synthohive.plain_names([column_name])[0] -%}
  {%- set names = [profile, table_name or (tested.identifier if tested else ""), stored_column or plain] -%}
  {%- set stored = synthohive.own_relation("synthohive_profiles") -%}
  {%- set where -%}
    where profile = '{{ names[0] | replace("'", "''") }}' and table_name = '{{ names[1] | replace("'", "''") }}' and column_name = '{{ names[2] | replace("'", "''") }}'
  {%- endset -%}
  {%- if kind in ("float", "number", "date", "timestamp") -%}
    {%- set edges = "select edge, n_below, n as n_up_to from " ~ stored ~ " " ~ where ~ " and part = 'edge'" -%}
    {%- set statistic, measure = synthohive.stored_ks(relation, column_name, edges, kind), "stored_ks" -%}
  {%- else -%}
    {%- set counts = "select part, value, n from " ~ stored ~ " " ~ where ~ " and part <> 'edge'" -%}
    {%- set statistic, measure = synthohive.stored_tvd(relation, column_name, counts), "stored_tvd" -%}
  {%- endif -%}
  {{ synthohive.drift_failures(statistic, relation, "profile " ~ profile ~ " of " ~ names[1], column_name, measure, max_distance, other_side=true) }}
{% endmacro %}
