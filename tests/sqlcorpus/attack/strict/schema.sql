CREATE TABLE tenants (id int PRIMARY KEY);
CREATE TABLE tasks (id int PRIMARY KEY, tenant_id int NOT NULL REFERENCES tenants (id), n int, raw json, meta jsonb);
CREATE TABLE projects (id int PRIMARY KEY, tenant_id int NOT NULL REFERENCES tenants (id), n int);
