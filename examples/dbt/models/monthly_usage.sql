-- Usage per customer, dimension and month (UTC), exact.
select
    customer_id,
    dimension_id,
    date_trunc('month', day)::date as month,
    sum(quantity) as quantity,
    any_value(unit) as unit,
    sum(records)::bigint as records
from {{ source('usage', 'usage_daily') }}
group by customer_id, dimension_id, date_trunc('month', day)
