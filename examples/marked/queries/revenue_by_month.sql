WITH mine AS (
    SELECT country_code, total_cents, date_trunc('month', created_at) AS month
    FROM orders
    WHERE organization_id = $1 AND status <> 'cancelled'
)
SELECT mine.month, countries.name AS country, count(*) AS orders, sum(mine.total_cents)::bigint AS cents
FROM mine
JOIN countries ON countries.code = mine.country_code
GROUP BY mine.month, countries.name
ORDER BY mine.month, countries.name
