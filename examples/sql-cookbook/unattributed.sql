-- What was measured and is on nobody's bill, with the reason: signals in quarantine, the largest heap first.
-- The API repairs them: see docs/quarantine.md.
SELECT
  reason,
  meter_id,
  coalesce(customer_id, '(no customer)') AS customer_id,
  coalesce(dimension_id, metric_name) AS dimension_or_metric,
  count(*) AS signals,
  sum(quantity) AS quantity,
  -- An example of who sent them.
  any_value(resource->>'$."service.name"') AS service,
  min(first_seen) AS first_seen,
  max(last_seen) AS last_seen
FROM quarantined
GROUP BY ALL
ORDER BY signals DESC, reason, customer_id, dimension_or_metric;
