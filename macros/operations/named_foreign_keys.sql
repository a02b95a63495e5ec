{#-
  The columns that are called like another table's unique key, or like that table, and whose values are all found
  there; of several such tables, the one with the longest name.
-#}
{% macro named_foreign_keys(tables, facts, known) %}
  {%- set found = [] -%}
  {%- set taken = [] -%}
  {%- for key in known if key.type == "foreign" -%}{%- do taken.append((key.table, key.columns)) -%}{%- endfor -%}
  {%- for table in tables -%}
    {%- set own = known | selectattr("table", "equalto", table) | rejectattr("type", "equalto", "foreign") | map(attribute="columns") | list -%}
    {%- for fact in facts[table].values() if fact.distinct and [fact.name] not in own and (table, [fact.name]) not in taken -%}
      {%- set choices = [] -%}
      {%- for key in known if key.type != "foreign" and key.columns | length == 1 and key.table != table and facts[key.table][key.columns[0]] is defined -%}
        {%- set length = synthohive.name_match(fact.name, key.table, key.columns[0]) -%}
        {%- if length -%}{%- do choices.append((-length, key.table, key.columns)) -%}{%- endif -%}
      {%- endfor -%}
      {%- set best = namespace(left=true) -%}
      {%- for choice in choices | sort if best.left -%}
        {%- set key = {"table": table, "type": "foreign", "columns": [fact.name], "to": choice[1], "to_columns": choice[2]} -%}
        {%- if synthohive.key_holds(key, tables) -%}
          {%- do found.append(key) -%}
          {%- set best.left = false -%}
        {%- endif -%}
      {%- endfor -%}
    {%- endfor -%}
  {%- endfor -%}
  {{ return(found) }}
{% endmacro %}
