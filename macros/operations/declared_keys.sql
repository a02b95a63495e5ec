{#-
  The keys that the warehouse declares in a schema: a list of {table, type, columns, to, to_columns}, the
  type being "primary", "unique" or "foreign". None for engines whose catalogue is not read.
-#}
{% macro declared_keys(place) %}
  {{- return(adapter.dispatch("declared_keys", "synthohive")(place)) -}}
{% endmacro %}

{% macro default__declared_keys(place) %}{{ return([]) }}{% endmacro %}

{#- Redshift would else take PostgreSQL's, whose functions it does not have. -#}
{% macro redshift__declared_keys(place) %}{{ return([]) }}{% endmacro %}

{% macro postgres__declared_keys(place) %}
  {%- set names -%}
    select string_agg(a.attname, '{{ synthohive.key_separator() }}' order by k.position)
    from unnest(keys) with ordinality as k(number, position)
    join pg_attribute a on a.attnum = k.number
  {%- endset -%}
  {%- set sql -%}
    select
      child.relname,
      case c.contype when 'p' then 'primary' when 'u' then 'unique' else 'foreign' end,
      ({{ names | replace("unnest(keys)", "unnest(c.conkey)") }} and a.attrelid = c.conrelid),
      parent.relname,
      ({{ names | replace("unnest(keys)", "unnest(c.confkey)") }} and a.attrelid = c.confrelid)
    from pg_constraint c
    join pg_class child on child.oid = c.conrelid
    join pg_namespace n on n.oid = child.relnamespace
    left join pg_class parent on parent.oid = c.confrelid and parent.relnamespace = child.relnamespace
    where n.nspname = '{{ place.schema }}' and c.contype in ('p', 'u', 'f') and (c.contype <> 'f' or parent.relname is not null)
    order by child.relname, c.contype, c.conname
  {%- endset -%}
  {{ return(synthohive.keys_from_rows(run_query(sql))) }}
{% endmacro %}

{% macro duckdb__declared_keys(place) %}
  {%- set sql -%}
    select
      table_name,
      case constraint_type when 'PRIMARY KEY' then 'primary' when 'UNIQUE' then 'unique' else 'foreign' end,
      array_to_string(constraint_column_names, '{{ synthohive.key_separator() }}'),
      referenced_table,
      array_to_string(referenced_column_names, '{{ synthohive.key_separator() }}')
    from duckdb_constraints()
    where database_name = '{{ place.database }}' and schema_name = '{{ place.schema }}'
      and constraint_type in ('PRIMARY KEY', 'UNIQUE', 'FOREIGN KEY')
    order by table_name, constraint_index
  {%- endset -%}
  {{ return(synthohive.keys_from_rows(run_query(sql))) }}
{% endmacro %}

{% macro mysql__declared_keys(place) %}
  {%- set sql -%}
    select
      c.table_name,
      case c.constraint_type when 'PRIMARY KEY' then 'primary' when 'UNIQUE' then 'unique' else 'foreign' end,
      group_concat(k.column_name order by k.ordinal_position separator '{{ synthohive.key_separator() }}'),
      max(k.referenced_table_name),
      group_concat(k.referenced_column_name order by k.ordinal_position separator '{{ synthohive.key_separator() }}')
    from information_schema.table_constraints c
    join information_schema.key_column_usage k
      on k.constraint_schema = c.constraint_schema and k.constraint_name = c.constraint_name and k.table_name = c.table_name
    where c.table_schema = '{{ place.schema }}' and c.constraint_type in ('PRIMARY KEY', 'UNIQUE', 'FOREIGN KEY')
    group by c.table_name, c.constraint_type, c.constraint_name
    order by c.table_name, c.constraint_type, c.constraint_name
  {%- endset -%}
  {{ return(synthohive.keys_from_rows(run_query(sql))) }}
{% endmacro %}

{% macro mariadb__declared_keys(place) %}{{ return(synthohive.mysql__declared_keys(place)) }}{% endmacro %}
