-- Usage per customer, dimension and day (UTC), exact, as the dimension aggregates it.
--
-- Only what can be put together from days: sum, count, max and min. A month's average is not the average of its days, and
-- levels hold beyond midnight; those are asked of GET /api/v1/usage, which also knows time zones and rounding.
select
    customer_id,
    dimension_id,
    day,
    {{ aggregated('quantity', 'count(*) filter (is_record)') }} as quantity,
    any_value(unit) as unit,
    count(*) filter (is_record) as records
from {{ ref('stg_usage') }}
where aggregation in ('sum', 'count', 'max', 'min')
group by customer_id, dimension_id, day, aggregation
