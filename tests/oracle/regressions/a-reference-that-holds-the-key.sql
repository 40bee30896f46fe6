-- why: a foreign key refuses the row where the subquery does not find one of the tenant
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
INSERT INTO tasks (id, tenant_id, project_id) VALUES ($2, $1, (SELECT b.id FROM projects b WHERE b.id = $3 ORDER BY 1 LIMIT 1))
