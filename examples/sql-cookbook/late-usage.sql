-- Usage that came more than a day after it occurred, by day of occurrence: what a period closed at midnight would have
-- missed. The id of the journal's frame tells the order of arrival; corrections are late by their nature.
WITH arrivals AS (
  SELECT
    *,
    max("timestamp") OVER (ORDER BY journal_sequence RANGE BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS newest_before
  FROM usage_records
)
SELECT
  "timestamp"::DATE AS day,
  customer_id,
  dimension_id,
  count(*) AS records,
  sum(record_value) AS quantity,
  any_value(unit) AS unit
FROM arrivals
WHERE newest_before::TIMESTAMP - "timestamp"::TIMESTAMP > INTERVAL 1 DAY
GROUP BY day, customer_id, dimension_id
ORDER BY day, customer_id, dimension_id;
