select
  customer_id, cast(null as varchar) as region, cast(null as varchar) as email,
  cast(null as double precision) as balance, cast(null as date) as signed_up
from {{ ref('customers') }}
