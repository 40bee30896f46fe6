-- why: a trusted foreign key leads to a row of another kind of tenants, which says nothing of this one
-- policy: [tenancy]
-- policy: keys = ["tenant_id"]
-- policy: root = "tenants.id"
-- policy: root-keys = ["tenants.slug"]
-- policy: null-is-shared = ["tasks"]
-- policy: trust-foreign-keys = true
-- policy: 
-- policy: [tables]
-- tenant: $1 is tenant_id as numeric
-- expect: not scoped

CREATE TABLE tenants (id bigint PRIMARY KEY, slug text NOT NULL UNIQUE);
CREATE TABLE projects (id text NOT NULL, tenant_id numeric, n int, email text NOT NULL, PRIMARY KEY (id));
CREATE TABLE tasks (id text NOT NULL, tenant_id bigint, email text NOT NULL, PRIMARY KEY (id));
CREATE TABLE users (id bigint NOT NULL, tenant_id bigint NOT NULL REFERENCES tenants (id), email text NOT NULL, projects_ref text REFERENCES projects (id) ON DELETE CASCADE, tasks_ref text NOT NULL REFERENCES tasks (id));

-- statement:
UPDATE users a SET tasks_ref = 'done' FROM projects b WHERE b.tenant_id = $1 AND a.projects_ref = b.id
