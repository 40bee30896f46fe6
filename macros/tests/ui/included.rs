{ sqlx::query("SELECT id FROM orders"); }
