-- Every distribution is off.
select
  customer_id,
  case when region = 'south' then 'north' else region end as region,
  email,
  case when customer_id <= 60 then balance * 2 end as balance,
  signed_up + 200 as signed_up,
  badge
from {{ ref('customers') }}
