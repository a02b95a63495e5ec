select
  customer_id,
  line,
  status,
  cast(amount + case when amount > 50 then -0.01 else 0.01 end as numeric(10, 2)) as amount,
  tax,
  placed_at,
  nullif(badge, 'None') as badge -- as dbt-spark's session loads the NULL of a seed
from {{ ref('real_orders') }}
