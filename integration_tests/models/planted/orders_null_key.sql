select customer_id, case when customer_id = 3 and line = 1 then null else line end as line
from {{ ref('orders') }}
