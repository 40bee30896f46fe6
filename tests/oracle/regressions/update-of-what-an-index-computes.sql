-- why: in strict mode, a unique index of an expression was not seen to speak of the column that is set
-- policy: [tenancy]
-- policy: keys = ["tenant_id"]
-- policy: root = "tenants.id"
-- policy: root-keys = ["tenants.slug"]
-- policy: strict-errors = true
-- policy: trust-foreign-keys = true
-- tenant: $1 is tenants.slug
-- expect: not scoped

CREATE TABLE tenants (id text PRIMARY KEY, slug text NOT NULL UNIQUE);
CREATE TABLE tasks (id text NOT NULL, tenant_id text NOT NULL REFERENCES tenants (id), title text, n int, email text NOT NULL);
CREATE UNIQUE INDEX ON tasks (lower(title));

-- statement:
MERGE INTO tasks a USING (SELECT c.n FROM tasks c WHERE c.tenant_id IN (SELECT d.id FROM tenants d WHERE (d.slug = $1 OR d.slug IS NULL))) b ON a.tenant_id IN (SELECT e.id FROM tenants e WHERE e.slug = $1) WHEN MATCHED THEN UPDATE SET title = 'merged'
