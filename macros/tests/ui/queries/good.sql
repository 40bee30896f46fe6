SELECT id, total FROM orders WHERE org_id = $1 AND total > 0
