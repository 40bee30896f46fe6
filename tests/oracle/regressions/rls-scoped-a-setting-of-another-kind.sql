-- why: the oracle named the placeholder and the setting by one kind of tenant keys, the proof reads each as another
-- policy: [tenancy]
-- policy: keys = ["tenant_id"]
-- policy: root = "tenants.id"
-- policy: root-keys = ["tenants.slug"]
-- policy: 
-- policy: [trust]
-- policy: setting = "app.tenant"
-- policy: 
-- policy: [[database]]
-- policy: name = "main"
-- policy: dialect = "postgres"
-- policy: app-role = "app"
-- policy: owner-role = "postgres"
-- policy: 
-- tenant: $1 is tenants.id
-- expect: scoped

CREATE TABLE tenants (id bigint PRIMARY KEY, slug text NOT NULL UNIQUE);
CREATE TABLE events (id text NOT NULL, tenant_id numeric, n int, email text NOT NULL);
CREATE TABLE tasks (id bigint NOT NULL, tenant_id bigint NOT NULL REFERENCES tenants (id) ON UPDATE CASCADE, n int, email text NOT NULL);
ALTER TABLE tasks ENABLE ROW LEVEL SECURITY;
CREATE POLICY p0 ON tasks FOR ALL TO app USING (tenant_id::text = current_setting('app.tenant'));

-- statement:
DELETE FROM tasks a USING events b WHERE b.tenant_id = $1 AND b.n = a.n
