-- why: what an INSERT is asked in strict mode, a MERGE that inserts was not: its error tells whether another tenant has the id
-- policy: [tenancy]
-- policy: keys = ["tenant_id"]
-- policy: root = "tenants.id"
-- policy: strict-errors = true
-- tenant: $1 is tenants.id
-- expect: not scoped

CREATE TABLE tenants (id uuid PRIMARY KEY, slug text NOT NULL UNIQUE, name text, n int);
CREATE TABLE events (id uuid NOT NULL, tenant_id uuid NOT NULL REFERENCES tenants (id), n int, PRIMARY KEY (id));

-- statement:
MERGE INTO events a USING (SELECT 1 AS o) s ON a.n = s.o AND a.tenant_id = $1 WHEN MATCHED AND a.tenant_id = $1 THEN UPDATE SET n = 2 WHEN NOT MATCHED THEN INSERT (tenant_id, id) VALUES ($1, $2)
