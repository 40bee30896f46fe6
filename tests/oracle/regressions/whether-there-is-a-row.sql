-- why: it is counted whether a relation of one row has it, which the own rows decide
-- policy: [tenancy]
-- policy: keys = ["tenant_id"]
-- policy: root = "tenants.id"
-- policy: 
-- policy: [tables]
-- tenant: $1 is tenants.id
-- expect: not leaking

CREATE TABLE tenants (id bigint PRIMARY KEY, slug text NOT NULL UNIQUE, name text, n int);
CREATE TABLE projects (id bigint PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants (id), title text, n int, UNIQUE (tenant_id, id));
CREATE TABLE tasks (id bigint PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants (id), project_id bigint, title text, status text, email text UNIQUE, n int, UNIQUE (tenant_id, id), FOREIGN KEY (tenant_id, project_id) REFERENCES projects (tenant_id, id));

-- statement:
SELECT count(*)::int AS n FROM (SELECT b.title FROM tasks a LEFT JOIN projects b ON b.n = a.n WHERE a.tenant_id = $1 ORDER BY 1 LIMIT 1) x
