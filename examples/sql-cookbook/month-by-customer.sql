-- What each customer used last month, per dimension, with its price where one is set.
-- Months are UTC; for a billing month elsewhere, ask GET /api/v1/usage with a time zone.
SELECT
  u.customer_id,
  c.name,
  u.dimension_id,
  sum(u.quantity) AS quantity,
  d.unit,
  sum(u.records)::BIGINT AS records,
  -- A DECIMAL(38, 12) times another would need 24 places: six are enough for a price.
  (sum(u.quantity)::DECIMAL(26, 6) * d.unit_price::DECIMAL(12, 6))::DECIMAL(38, 2) AS amount
FROM usage_daily u
JOIN customers c USING (customer_id)
JOIN dimensions d USING (dimension_id)
WHERE u.day >= date_trunc('month', current_date) - INTERVAL 1 MONTH
  AND u.day < date_trunc('month', current_date)
GROUP BY u.customer_id, c.name, u.dimension_id, d.unit, d.unit_price
ORDER BY u.customer_id, u.dimension_id;
