{#-
  For each table without a unique key, the one that its name and all rows support: a column that is called like
  the table's key, or any key, filled and never repeated; else two such columns together.
-#}
{% macro named_unique_keys(tables, facts, known) %}
  {%- set found = [] -%}
  {%- set keyed = known | rejectattr("type", "equalto", "foreign") | map(attribute="table") | list -%}
  {%- for table in tables if table not in keyed and (facts[table].values() | list)[0].rows -%}
    {%- set parts, usual, others = [], [], [] -%}
    {%- set own = ["id"] -%}
    {%- for tail in synthohive.name_tails(table) -%}{%- do own.extend([tail, tail ~ "id", tail ~ "key", tail ~ "code", tail ~ "number"]) -%}{%- endfor -%}
    {%- for fact in facts[table].values() if fact.filled == fact.rows and fact.kind in ("number", "text") and (synthohive.is_key_name(fact.name) or synthohive.flat_name(fact.name) in own) -%}
      {%- if fact.distinct != fact.rows -%}
        {%- do parts.append(fact.name) -%}
      {%- elif synthohive.flat_name(fact.name) in own -%}
        {%- do usual.append(fact.name) -%}
      {%- else -%}
        {%- do others.append(fact.name) -%}
      {%- endif -%}
    {%- endfor -%}
    {%- set single = (usual + others)[:1] -%}
    {%- if single -%}
      {%- do found.append({"table": table, "type": "primary", "columns": single, "to": none, "to_columns": []}) -%}
    {%- else -%}
      {%- set pairs = namespace(left=true) -%}
      {%- for first in parts[:6] -%}
        {%- for second in parts[loop.index:6] if pairs.left -%}
          {%- set key = {"table": table, "type": "primary", "columns": [first, second], "to": none, "to_columns": []} -%}
          {%- if synthohive.key_holds(key, tables) -%}
            {%- do found.append(key) -%}
            {%- set pairs.left = false -%}
          {%- endif -%}
        {%- endfor -%}
      {%- endfor -%}
    {%- endif -%}
  {%- endfor -%}
  {{ return(found) }}
{% endmacro %}
