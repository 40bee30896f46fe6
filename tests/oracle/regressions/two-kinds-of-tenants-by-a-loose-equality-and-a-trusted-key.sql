-- why: a trusted foreign key leads to a row of another kind of tenants, which says nothing of this one
-- policy: [tenancy]
-- policy: keys = ["tenant_id", "tenant_slug"]
-- policy: root = "tenants.id"
-- policy: root-keys = ["tenants.slug"]
-- policy: trust-foreign-keys = true
-- policy: 
-- policy: [trust]
-- policy: setting = "app.tenant"
-- policy: 
-- policy: [tables]
-- tenant: $1 is tenants.slug
-- expect: not scoped

CREATE EXTENSION IF NOT EXISTS citext;
CREATE TABLE tenants (id text PRIMARY KEY, slug text NOT NULL UNIQUE);
CREATE TABLE projects (id text NOT NULL, tenant_id text, email text NOT NULL, PRIMARY KEY (id));
CREATE TABLE events (id text NOT NULL, tenant_id text REFERENCES tenants (id) ON DELETE CASCADE, num int NOT NULL, PRIMARY KEY (id));
CREATE TABLE tasks (id bigint NOT NULL, tenant_id citext NOT NULL DEFAULT current_setting('app.tenant')::citext, email text NOT NULL, events_ref text NOT NULL REFERENCES events (id) ON DELETE CASCADE);
CREATE TABLE audit (id bigint NOT NULL, tenant_slug text NOT NULL REFERENCES tenants (slug), what text NOT NULL, n int, PRIMARY KEY (tenant_slug, id)) PARTITION BY LIST (tenant_slug);

-- statement:
SELECT b.num FROM tasks a JOIN events b ON a.events_ref = b.id AND b.tenant_id IN (SELECT c.id FROM tenants c WHERE $1 = c.slug) GROUP BY GROUPING SETS ((b.num, 1), ())
