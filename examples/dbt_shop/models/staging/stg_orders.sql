select
  order_id,
  customer_id,
  employee_id,
  channel,
  status,
  ordered_at,
  cast(ordered_at as date) as ordered_on,
  shipped_at
from {{ source('raw', 'orders') }}
