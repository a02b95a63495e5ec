select
  customer_id,
  lower(email) as email,
  country,
  tier,
  newsletter,
  cast(registered_at as date) as registered_on
from {{ source('raw', 'customers') }}
