-- What is summed adds up to the lake's records, to the last decimal, by day and by month; a row here is a failure.
with lake as (
    select u.customer_id, u.dimension_id, sum(u.record_value) as quantity, count(*) filter (u.kind <> 'correction') as records
    from {{ source('usage', 'usage_records') }} as u
    join {{ source('usage', 'dimensions') }} as d using (dimension_id)
    where d.aggregation = 'sum'
    group by u.customer_id, u.dimension_id
),
days as (
    select customer_id, dimension_id, sum(quantity) as quantity, sum(records) as records
    from {{ ref('daily_usage') }} group by customer_id, dimension_id
),
months as (
    select customer_id, dimension_id, sum(quantity) as quantity, sum(records) as records
    from {{ ref('monthly_usage') }} group by customer_id, dimension_id
)
select *
from lake
left join days using (customer_id, dimension_id)
left join months using (customer_id, dimension_id)
where (days.quantity, days.records) is distinct from (lake.quantity, lake.records)
   or (months.quantity, months.records) is distinct from (lake.quantity, lake.records)
