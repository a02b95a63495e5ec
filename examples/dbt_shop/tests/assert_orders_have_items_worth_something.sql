-- An order line that costs less than nothing, or counts no item, is an error of the load.
select *
from {{ ref('stg_order_items') }}
where quantity <= 0 or amount < 0
