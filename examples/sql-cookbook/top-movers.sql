-- Whose usage changed most: the last seven whole days against the seven before, per dimension.
WITH weeks AS (
  SELECT
    customer_id,
    dimension_id,
    unit,
    coalesce(sum(quantity) FILTER (day >= current_date - 7), 0) AS this_week,
    coalesce(sum(quantity) FILTER (day < current_date - 7), 0) AS week_before
  FROM usage_daily
  WHERE day >= current_date - 14 AND day < current_date
  GROUP BY customer_id, dimension_id, unit
)
SELECT
  customer_id,
  dimension_id,
  week_before,
  this_week,
  this_week - week_before AS change,
  unit,
  -- New customers have no percentage.
  round(100 * (this_week - week_before)::DOUBLE / nullif(week_before, 0)::DOUBLE, 1) AS percent
FROM weeks
WHERE this_week <> week_before
ORDER BY abs(change) DESC, customer_id, dimension_id
LIMIT 20;
