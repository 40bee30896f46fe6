-- why: what another permissive policy would let through is not asked of rows that pass by one
-- policy: [tenancy]
-- policy: keys = ["tenant_id"]
-- policy: root = "tenants.id"
-- policy: 
-- policy: [trust]
-- policy: setting = "app.tenant"
-- policy: 
-- policy: [[database]]
-- policy: name = "main"
-- policy: dialect = "postgres"
-- policy: app-role = "app"
-- policy: owner-role = "postgres"
-- tenant: app.tenant is tenants.id
-- expect: not leaking

CREATE TABLE tenants (id bigint PRIMARY KEY, slug text NOT NULL UNIQUE, name text, n int);
CREATE TABLE tasks (id bigint NOT NULL, tenant_id bigint NOT NULL REFERENCES tenants (id), title text, n int, PRIMARY KEY (id));
CREATE TABLE notes (id bigint NOT NULL, tenant_id bigint NOT NULL REFERENCES tenants (id), title text, n int, PRIMARY KEY (id));
ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
ALTER TABLE notes FORCE ROW LEVEL SECURITY;
CREATE POLICY p ON notes USING (tenant_id = current_setting('app.tenant')::bigint);
CREATE POLICY q ON notes FOR SELECT USING (EXISTS (SELECT 1 FROM tasks m WHERE m.tenant_id = tenant_id));

-- statement:
SELECT a.title FROM notes a WHERE a.tenant_id = current_setting('app.tenant')::bigint
