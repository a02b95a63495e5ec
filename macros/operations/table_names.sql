{#- The names of the tables of a {database, schema}, without views. -#}
{% macro table_names(place) %}
  {{- return(adapter.dispatch("table_names", "synthohive")(place)) -}}
{% endmacro %}

{% macro default__table_names(place) %}
  {{- return(synthohive.names_of("select table_name from information_schema.tables where table_type = 'BASE TABLE' and table_schema = '" ~ place.schema ~ "'" ~ (" and table_catalog = '" ~ place.database ~ "'" if place.database else ""))) -}}
{% endmacro %}

{% macro snowflake__table_names(place) %}
  {{- return(synthohive.names_of("select table_name from " ~ place.database ~ ".information_schema.tables where table_type = 'BASE TABLE' and upper(table_schema) = '" ~ place.schema | upper ~ "'")) -}}
{% endmacro %}

{% macro bigquery__table_names(place) %}
  {{- return(synthohive.names_of("select table_name from `" ~ place.database ~ "`.`" ~ place.schema ~ "`.INFORMATION_SCHEMA.TABLES where table_type = 'BASE TABLE'")) -}}
{% endmacro %}

{#- Rows of (namespace, tableName, isTemporary), views among them. -#}
{% macro spark__table_names(place) %}
  {%- set views = run_query("show views in " ~ place.schema).columns[1].values() | list -%}
  {%- set tables = run_query("show tables in " ~ place.schema).columns[1].values() | list -%}
  {{ return(tables | reject("in", views) | list) }}
{% endmacro %}

{% macro mysql__table_names(place) %}
  {{- return(synthohive.names_of("select table_name from information_schema.tables where table_type = 'BASE TABLE' and table_schema = '" ~ place.schema ~ "'")) -}}
{% endmacro %}

{% macro mariadb__table_names(place) %}{{ return(synthohive.mysql__table_names(place)) }}{% endmacro %}
