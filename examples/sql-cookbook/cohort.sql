-- Do customers stay? Customers by the month in which they first used anything, and how many of them used something
-- in each month after that.
WITH months AS (
  SELECT DISTINCT customer_id, date_trunc('month', day) AS month
  FROM usage_daily
  WHERE quantity > 0
),
first_months AS (
  SELECT customer_id, min(month) AS cohort FROM months GROUP BY customer_id
),
sizes AS (
  SELECT cohort, count(*) AS customers FROM first_months GROUP BY cohort
)
SELECT
  strftime(cohort, '%Y-%m') AS cohort,
  customers,
  date_diff('month', cohort, month) AS months_later,
  count(*) AS active,
  round(100 * count(*) / customers, 1) AS percent
FROM months
JOIN first_months USING (customer_id)
JOIN sizes USING (cohort)
GROUP BY cohort, customers, month
ORDER BY cohort, months_later;
