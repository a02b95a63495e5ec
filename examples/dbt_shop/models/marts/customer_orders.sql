-- One row for each customer: how often, how much, how recently.
with totals as (
  select
    o.customer_id,
    count(distinct o.order_id) as orders,
    sum(i.amount) as revenue,
    min(o.ordered_on) as first_order_on,
    max(o.ordered_on) as last_order_on
  from {{ ref('stg_orders') }} o
  join {{ ref('stg_order_items') }} i on i.order_id = o.order_id
  group by o.customer_id
)

select
  c.customer_id,
  c.country,
  c.tier,
  c.newsletter,
  coalesce(t.orders, 0) as orders,
  coalesce(t.revenue, 0) as revenue,
  t.first_order_on,
  t.last_order_on
from {{ ref('stg_customers') }} c
left join totals t on t.customer_id = c.customer_id
