-- Both columns exist in the parent, but not together.
select customer_id, line, case when customer_id = 3 and line = 1 then 'B1001' else badge end as badge
from {{ ref('orders') }}
