{#-
  The checks (see column_drifts) of the columns that table_drift was given, each a name or {name, statistic,
  limit, reference_column}. Left out, the statistic is that of the column's kind: "ks" of numbers, dates and
  timestamps, "tvd" of texts and booleans, "null_rate" of anything else.
-#}
{% macro table_checks(model, reference, columns, limits) %}
  {%- set given, checks, keys = [], [], {} -%}
  {%- for one in columns -%}
    {%- set named = {"name": one} if one is string else one -%}
    {%- set known = ["name", "statistic", "limit", "reference_column"] -%}
    {%- if named is not mapping or not named.get("name") or named | reject("in", known) | list -%}
      {{ exceptions.raise_compiler_error("table_drift: " ~ named ~ " in `columns` is not a name or a mapping of name (and " ~ known[1:] | join(", ") ~ ")") }}
    {%- endif -%}
    {%- do given.append({
      "name": named["name"], "reference_column": named.get("reference_column") or named["name"],
      "statistic": named.get("statistic"), "limit": named.get("limit"),
    }) -%}
  {%- endfor -%}
  {%- if not given -%}
    {{ exceptions.raise_compiler_error("table_drift: which columns? Give `columns: [...]`") }}
  {%- endif -%}
  {%- set candidate_kinds = synthohive.column_kinds(model, given | map(attribute="name") | list) -%}
  {%- set reference_kinds = synthohive.column_kinds(reference, given | map(attribute="reference_column") | list) -%}
  {%- for one in given -%}
    {%- set kinds = {"candidate": candidate_kinds[one.name], "reference": reference_kinds[one.reference_column]} -%}
    {%- set statistic = one.statistic or synthohive.usual_statistic(one.name, kinds) -%}
    {%- if statistic not in limits -%}
      {{ exceptions.raise_compiler_error("table_drift: statistic of " ~ one.name ~ " is '" ~ statistic ~ "'; it can be " ~ limits | join(", ")) }}
    {%- elif statistic in ("ks", "psi") -%}
      {%- do kinds.update(synthohive.compared_kinds("table_drift", model, reference, one.name, one.reference_column, kinds)) -%}
    {%- endif -%}
    {#- ks and psi count in intervals, tvd and domain count values: once for both. -#}
    {%- set counted = one.name ~ " " ~ one.reference_column ~ " " ~ {"psi": "ks", "domain": "tvd"}.get(statistic, statistic) -%}
    {%- do keys.update({counted: keys.get(counted, loop.index)}) -%}
    {%- do checks.append({
      "id": loop.index, "key": keys[counted], "column": one.name, "reference_column": one.reference_column,
      "kind": kinds.candidate, "reference_kind": kinds.reference,
      "statistic": statistic, "limit": limits[statistic] if one.limit is none else one.limit,
      "renamed": one.reference_column != one.name,
    }) -%}
  {%- endfor -%}
  {{ return(checks) }}
{% endmacro %}
