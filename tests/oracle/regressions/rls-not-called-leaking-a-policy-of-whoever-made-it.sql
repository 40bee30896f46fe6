-- why: a policy for the one who made it may let nothing through to others
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
CREATE POLICY p ON notes FOR ALL TO CURRENT_USER USING (true);

-- statement:
SELECT a.title FROM notes a
