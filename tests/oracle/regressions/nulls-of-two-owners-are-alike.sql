-- why: EXCEPT takes NULLs for equal: a reference that is NULL names no owner, so that another's row takes the tenant's away
-- policy: [tenancy]
-- policy: keys = ["tenant_id"]
-- policy: root = "tenants.id"
-- tenant: $1 is tenants.id
-- expect: not scoped

CREATE TABLE tenants (id bigint PRIMARY KEY);
CREATE TABLE invoices (id bigint NOT NULL PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants (id), UNIQUE (tenant_id, id));
CREATE TABLE events (id bigint NOT NULL PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants (id), invoice_id bigint, FOREIGN KEY (tenant_id, invoice_id) REFERENCES invoices (tenant_id, id));

-- statement:
SELECT a.invoice_id FROM events a WHERE a.tenant_id = $1 EXCEPT SELECT b.invoice_id FROM events b WHERE b.tenant_id <> $1
