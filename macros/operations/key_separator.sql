{#- Stands between the names of a key's columns in a catalogue query's answer. -#}
{% macro key_separator() %}{{ return("|;|") }}{% endmacro %}
