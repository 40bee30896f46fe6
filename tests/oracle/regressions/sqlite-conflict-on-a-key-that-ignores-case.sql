-- why: a conflict on a key whose collation takes two tenants' names for one is with another tenant's row
-- policy: [[database]]
-- policy: dialect = "sqlite"
-- policy: [tenancy]
-- policy: keys = ["tenant_id"]
-- policy: root = "tenants.id"
-- tenant: $1 is tenants.id
-- expect: not scoped

CREATE TABLE tenants (id TEXT NOT NULL PRIMARY KEY);
CREATE TABLE tasks (id BIGINT NOT NULL PRIMARY KEY, tenant_id TEXT COLLATE NOCASE NOT NULL, email TEXT NOT NULL, n INT, UNIQUE (tenant_id, email));
-- statement:
INSERT INTO tasks (id, tenant_id, email) VALUES ($2, $1, 'gamma') ON CONFLICT (tenant_id, email) DO UPDATE SET n = 5
