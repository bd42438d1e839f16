-- Usage records with the dimension that says how they are aggregated. A view: nothing is copied.
select
    u.record_id,
    u.customer_id,
    u.dimension_id,
    d.aggregation,
    u.timestamp as used_at,
    u.timestamp::date as day,
    u.record_value as quantity,
    u.unit,
    u.metadata,
    -- A correction changes an earlier increment of a running total because a reading came late. It is summed with the
    -- others, but it is no usage of its own.
    u.kind <> 'correction' as is_record
from {{ source('usage', 'usage_records') }} as u
join {{ source('usage', 'dimensions') }} as d using (dimension_id)
