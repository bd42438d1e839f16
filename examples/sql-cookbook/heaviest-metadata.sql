-- What usage of the last thirty days is made of: quantities by a metadata key, here `model`.
-- Put another key in its place; records without it are listed as such.
SELECT
  dimension_id,
  coalesce(metadata->>'model', '(none)') AS model,
  sum(record_value) AS quantity,
  any_value(unit) AS unit,
  count(*) FILTER (kind <> 'correction') AS records,
  count(DISTINCT customer_id) AS customers
FROM usage_records
WHERE "timestamp" >= now()::TIMESTAMP - INTERVAL 30 DAY
GROUP BY dimension_id, model
ORDER BY dimension_id, quantity DESC, model;
