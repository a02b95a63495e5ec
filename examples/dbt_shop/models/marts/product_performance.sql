-- One row for each product: what it sold, and what was said of it.
with sold as (
  select product_id, sum(quantity) as items_sold, sum(amount) as revenue
  from {{ ref('stg_order_items') }}
  group by product_id
),

rated as (
  select product_id, count(*) as reviews, avg(rating) as mean_rating
  from {{ ref('stg_reviews') }}
  group by product_id
)

select
  p.product_id,
  p.department,
  p.category,
  p.price,
  p.in_stock,
  coalesce(s.items_sold, 0) as items_sold,
  coalesce(s.revenue, 0) as revenue,
  coalesce(r.reviews, 0) as reviews,
  r.mean_rating
from {{ ref('stg_products') }} p
left join sold s on s.product_id = p.product_id
left join rated r on r.product_id = p.product_id
