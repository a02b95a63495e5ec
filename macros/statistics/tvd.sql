{#-
  Total variation distance of one column over all of its values: one row
  (value, n_rows, n_reference). NULL is one more category.
-#}
{% macro tvd(candidate, reference, column, reference_column=none, where=none, reference_where=none) %}
  {%- set left %}select {{ column }} as v, 1 as n from {{ synthohive.table_reference(candidate) }} {% if where %}where {{ where }}{% endif %}{% endset -%}
  {%- set right %}select {{ reference_column or column }} as v, 1 as n from {{ synthohive.table_reference(reference) }} {% if reference_where %}where {{ reference_where }}{% endif %}{% endset -%}
  {{- synthohive.tvd_of_counts(synthohive.value_counts(left, right)) -}}
{% endmacro %}
