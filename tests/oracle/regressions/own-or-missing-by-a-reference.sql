-- why: what a row refers to is there, so that it is missing only where there is no reference
-- policy: [tenancy]
-- policy: keys = ["tenant_id"]
-- policy: root = "tenants.id"
-- policy: 
-- policy: [tables]
-- tenant: $1 is tenants.id
-- expect: not leaking

CREATE TABLE tenants (id bigint PRIMARY KEY, slug text NOT NULL UNIQUE, name text, n int);
CREATE TABLE projects (id bigint PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants (id), title text, n int, UNIQUE (tenant_id, id));
CREATE TABLE tasks (id bigint PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants (id), project_id bigint REFERENCES projects (id), title text, status text, email text UNIQUE, n int, UNIQUE (tenant_id, id));

-- statement:
SELECT a.id, b.title FROM tasks a LEFT JOIN projects b ON b.id = a.project_id WHERE a.tenant_id = $1 AND (b.tenant_id = a.tenant_id OR b.id IS NULL)
