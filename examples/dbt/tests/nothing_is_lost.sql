-- The months add up to what the lake has, to the last decimal; a row here is a failure.
with months as (
    select sum(quantity) as quantity, sum(records) as records from {{ ref('monthly_usage') }}
),
lake as (
    select
        sum(record_value) as quantity,
        count(*) filter (kind <> 'correction') as records
    from {{ source('usage', 'usage_records') }}
)
select * from months, lake
where months.quantity <> lake.quantity or months.records <> lake.records
