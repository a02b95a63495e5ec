-- Line 1 of customer 3 has moved to a customer that does not exist.
select case when customer_id = 3 and line = 1 then 999 else customer_id end as customer_id, line, status, badge
from {{ ref('orders') }}
