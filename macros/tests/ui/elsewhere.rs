pub const LIST: &str = "SELECT id FROM orders WHERE org_id = $1";
