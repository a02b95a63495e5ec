select
  customer_id,
  line,
  status,
  cast(amount + case when amount > 50 then -0.01 else 0.01 end as numeric(10, 2)) as amount,
  tax,
  placed_at,
  badge
from {{ ref('real_orders') }}
