-- why: wrongly scoped
-- policy: [tenancy]
-- policy: keys = ["tenant_id"]
-- policy: root = "tenants.id"
-- policy: strict-errors = true
-- tenant: $1 is tenants.id
-- expect: not scoped

CREATE TABLE tenants (id bigint PRIMARY KEY, name text, n int);
CREATE TABLE codes (code bigint PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants (id), n int);
CREATE TABLE tasks (id bigint PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants (id), n int, code bigint REFERENCES codes (code));

-- statement:
UPDATE codes a SET code = a.code + 5000 WHERE a.tenant_id = $1 AND a.n = 1
