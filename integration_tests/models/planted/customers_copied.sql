-- One person came through.
select c.customer_id, c.region, coalesce(r.email, c.email) as email, coalesce(r.balance, c.balance) as balance, coalesce(r.signed_up, c.signed_up) as signed_up
from {{ ref('customers') }} c
left join {{ ref('real_customers') }} r on r.customer_id = c.customer_id and r.customer_id = 7
