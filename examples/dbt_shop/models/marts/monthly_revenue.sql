-- One row for each month and channel.
select
  date_trunc('month', o.ordered_on) as month,
  o.channel,
  count(distinct o.order_id) as orders,
  count(distinct o.customer_id) as customers,
  sum(i.quantity) as items,
  sum(i.amount) as revenue
from {{ ref('stg_orders') }} o
join {{ ref('stg_order_items') }} i on i.order_id = o.order_id
group by 1, 2
