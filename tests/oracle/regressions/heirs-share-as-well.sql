-- why: what inherits from a table that shares its rows without an owner shares them too
-- policy: [tenancy]
-- policy: keys = ["tenant_id"]
-- policy: root = "tenants.id"
-- policy: null-is-shared = ["invoices"]
-- tenant: $1 is tenants.id
-- expect: not leaking

CREATE TABLE tenants (id int PRIMARY KEY, slug text NOT NULL UNIQUE);
CREATE TABLE invoices (id bigint NOT NULL, tenant_id int);
CREATE TABLE invoices_old () INHERITS (invoices);

-- statement:
SELECT a.id FROM invoices a WHERE a.tenant_id = $1 OR a.tenant_id IS NULL
