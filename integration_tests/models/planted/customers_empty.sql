select * from {{ ref('customers') }} where 1 = 0
