-- Every customer that is known, with the first and last day of usage, also those without any.
select
    c.customer_id,
    c.name,
    c.discovered,
    min(u.day) as first_day,
    max(u.day) as last_day,
    count(distinct u.day) as active_days,
    count(distinct u.dimension_id) as dimensions
from {{ source('usage', 'customers') }} as c
left join {{ source('usage', 'usage_daily') }} as u using (customer_id)
group by c.customer_id, c.name, c.discovered
