-- One category and one amount that the real table does not have.
select
  customer_id,
  case when customer_id = 1 then 'west' else region end as region,
  case when customer_id = 1 then 100000 else balance end as balance
from {{ ref('customers') }}
