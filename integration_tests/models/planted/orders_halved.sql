select * from {{ ref('orders') }} where line % 2 = 1
