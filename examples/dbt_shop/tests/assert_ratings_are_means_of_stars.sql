select *
from {{ ref('product_performance') }}
where reviews > 0 and (mean_rating < 1 or mean_rating > 5)
