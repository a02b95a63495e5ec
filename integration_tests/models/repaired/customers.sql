-- A faithful stand-in: close in every statistic, and nobody's row.
select
  customer_id,
  region,
  'someone' || cast(customer_id as {{ dbt.type_string() }}) || '@example.net' as email,
  balance + 0.25 * case when balance > 100 then -1 else 1 end as balance,
  signed_up + case when customer_id % 2 = 0 then 2 else -3 end as signed_up,
  badge
from {{ ref('real_customers') }}
