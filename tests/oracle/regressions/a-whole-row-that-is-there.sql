-- why: a row that is not NULL is no row of NULLs beside an outer join
-- policy: [tenancy]
-- policy: keys = ["tenant_id"]
-- policy: root = "tenants.id"
-- policy: 
-- policy: [tables]
-- tenant: $1 is tenants.id
-- expect: scoped

CREATE TABLE tenants (id bigint PRIMARY KEY, slug text NOT NULL UNIQUE, name text, n int);
CREATE TABLE projects (id bigint PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants (id), title text, n int, UNIQUE (tenant_id, id));
CREATE TABLE tasks (id bigint PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants (id), project_id bigint, title text, status text, email text UNIQUE, n int, UNIQUE (tenant_id, id), FOREIGN KEY (tenant_id, project_id) REFERENCES projects (tenant_id, id));

-- statement:
SELECT a.id, c.n FROM tasks a LEFT JOIN projects b ON b.tenant_id = a.tenant_id AND b.tenant_id = $1 JOIN projects c ON c.tenant_id = a.tenant_id WHERE b IS NOT NULL
