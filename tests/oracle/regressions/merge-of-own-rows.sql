-- why: the source of a MERGE is rows of its target, so that none is missing
-- policy: [tenancy]
-- policy: keys = ["tenant_id"]
-- policy: root = "tenants.id"
-- policy: 
-- policy: [tables]
-- tenant: $1 is tenants.id
-- expect: not leaking

CREATE TABLE tenants (id bigint PRIMARY KEY, slug text NOT NULL UNIQUE, name text, n int);
CREATE TABLE projects (id bigint PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants (id), title text, n int, UNIQUE (tenant_id, id));
CREATE TABLE tasks (id bigint PRIMARY KEY, tenant_id bigint REFERENCES tenants (id), project_id bigint, title text, status text, email text UNIQUE, n int, UNIQUE (tenant_id, id), FOREIGN KEY (tenant_id, project_id) REFERENCES projects (tenant_id, id));

-- statement:
MERGE INTO tasks a USING (SELECT c.id FROM tasks c WHERE c.tenant_id = $1) b ON a.id = b.id AND a.tenant_id = $1 WHEN MATCHED THEN UPDATE SET title = 'merged' WHEN NOT MATCHED THEN INSERT (id) VALUES (b.id)
