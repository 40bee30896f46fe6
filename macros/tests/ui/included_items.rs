pub fn all() { sqlx::query("SELECT id FROM orders"); }
