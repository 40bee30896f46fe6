-- why: a reference that holds the tenant key is set to its default when the row is deleted: the row that referenced it is nobody's then, or everybody's
-- policy: [tenancy]
-- policy: keys = ["tenant_id"]
-- policy: root = "tenants.id"
-- policy: null-is-shared = ["users"]
-- policy: trust-foreign-keys = true
-- tenant: $1 is tenants.id
-- expect: not scoped

CREATE TABLE tenants (id uuid PRIMARY KEY, slug text NOT NULL UNIQUE);
CREATE TABLE tasks (id bigint NOT NULL, tenant_id uuid NOT NULL REFERENCES tenants (id), email text NOT NULL, PRIMARY KEY (tenant_id, id));
CREATE TABLE users (id text NOT NULL, tenant_id uuid REFERENCES tenants (id), tasks_ref bigint, FOREIGN KEY (tenant_id, tasks_ref) REFERENCES tasks (tenant_id, id) ON DELETE SET DEFAULT);

-- statement:
DELETE FROM tasks a WHERE a.tenant_id = $1
