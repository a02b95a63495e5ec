-- Each column's distribution is the real one; what ties them together is lost.
select
  o.customer_id, o.line, s.status, o.amount, s.tax
from (select *, row_number() over (order by customer_id, line) as n from {{ ref('orders') }}) o
join (select status, tax, row_number() over (order by tax) as n from {{ ref('orders') }}) s on s.n = o.n
