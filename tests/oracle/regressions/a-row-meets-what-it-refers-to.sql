-- why: a row refers to another, which is there therefore
-- policy: [tenancy]
-- policy: keys = ["tenant_id"]
-- policy: root = "tenants.id"
-- policy: 
-- policy: [tables]
-- policy: lines = { parent = "tasks", by = "task_id" }
-- tenant: $1 is tenants.id
-- expect: not leaking

CREATE TABLE tenants (id bigint PRIMARY KEY, slug text NOT NULL UNIQUE, name text, n int);
CREATE TABLE projects (id bigint PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants (id), title text, n int, UNIQUE (tenant_id, id));
CREATE TABLE tasks (id bigint PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants (id), project_id bigint, title text, status text, email text UNIQUE, n int, UNIQUE (tenant_id, id), FOREIGN KEY (tenant_id, project_id) REFERENCES projects (tenant_id, id));
CREATE TABLE lines (id bigint PRIMARY KEY, task_id bigint NOT NULL REFERENCES tasks (id), n int);

-- statement:
SELECT a.id FROM lines a WHERE EXISTS (SELECT 1 FROM tasks b WHERE b.id = a.task_id OR b.tenant_id = $1) AND a.task_id IN (SELECT c.id FROM tasks c WHERE c.tenant_id = $1)
