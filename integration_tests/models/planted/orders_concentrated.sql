-- As many orders, all of a few customers.
select 1 + customer_id % 5 as customer_id, line, status from {{ ref('orders') }}
