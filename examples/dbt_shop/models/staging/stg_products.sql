select
  p.product_id,
  p.name as product_name,
  p.price,
  p.in_stock,
  c.name as category,
  coalesce(parent.name, c.name) as department
from {{ source('raw', 'products') }} p
join {{ source('raw', 'categories') }} c on c.category_id = p.category_id
left join {{ source('raw', 'categories') }} parent on parent.category_id = c.parent_id
