-- Usage per customer, dimension and month (UTC), exact, as the dimension aggregates it.
select
    u.customer_id,
    u.dimension_id,
    date_trunc('month', u.day)::date as month,
    {{ aggregated('u.quantity', 'sum(u.records)') }} as quantity,
    any_value(u.unit) as unit,
    sum(u.records)::bigint as records
from {{ ref('daily_usage') }} as u
join {{ source('usage', 'dimensions') }} as d using (dimension_id)
group by u.customer_id, u.dimension_id, date_trunc('month', u.day), d.aggregation
