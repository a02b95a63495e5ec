select review_id, product_id, customer_id, rating, cast(written_at as date) as written_on
from {{ source('raw', 'reviews') }}
