{#- The index of fewer than two bins is 0 whatever the rows are, and an empty bin's without a positive `epsilon` is infinite. -#}
{% macro refuse_psi_bins(test_name, bins, epsilon) %}
  {%- if bins | float < 2 or epsilon | float <= 0 -%}
    {{ exceptions.raise_compiler_error(test_name ~ ": bins is " ~ bins ~ " and epsilon " ~ epsilon ~ "; there have to be 2 bins at least, and epsilon is above 0") }}
  {%- endif -%}
{% endmacro %}
