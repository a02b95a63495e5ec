select
  customer_id, cast(null as {{ dbt.type_string() }}) as region, cast(null as {{ dbt.type_string() }}) as email,
  cast(null as {{ synthohive.double_type() }}) as balance, cast(null as date) as signed_up
from {{ ref('customers') }}
