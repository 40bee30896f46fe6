-- why: ROW(x) is a value where x is NULL, and passed for x itself
-- policy: [tenancy]
-- policy: keys = ["tenant_id"]
-- policy: root = "tenants.id"
-- policy: 
-- policy: [tables]
-- tenant: $1 is tenants.id
-- expect: not scoped

CREATE TABLE tenants (id bigint PRIMARY KEY, slug text NOT NULL UNIQUE, name text, n int);
CREATE TABLE tasks (id bigint PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants (id), n int);

-- statement:
SELECT a.id, c.n FROM (SELECT a.id, a.tenant_id, ROW(b.n) AS r FROM tasks a LEFT JOIN tasks b ON b.tenant_id = a.tenant_id AND b.tenant_id = $1) a JOIN tasks c ON c.tenant_id = a.tenant_id WHERE a.r = a.r
