-- why: a scalar subquery with LIMIT 2 can fail on rows of other tenants, which strict mode counts as visible
-- policy: [tenancy]
-- policy: keys = ["tenant_id"]
-- policy: root = "tenants.id"
-- policy: strict-errors = true
-- tenant: $1 is tenants.id
-- expect: not scoped

CREATE TABLE tenants (id bigint PRIMARY KEY, name text);
CREATE TABLE tasks (id bigint PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants (id), n int);
CREATE TABLE projects (id bigint PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants (id), n int);

-- statement:
SELECT x.id FROM (SELECT a.id, a.tenant_id, (SELECT b.n FROM projects b WHERE b.tenant_id = a.tenant_id ORDER BY b.id LIMIT 2) AS m FROM tasks a) x WHERE x.m IS NOT NULL AND x.tenant_id = $1
