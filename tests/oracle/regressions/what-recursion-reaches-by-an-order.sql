-- why: what recursion reaches through others by an order it reaches without them, and above it only the tenant's is kept
-- policy: [tenancy]
-- policy: keys = ["tenant_id"]
-- policy: root = "tenants.id"
-- policy: 
-- policy: [tables]
-- tenant: $1 is tenants.id
-- expect: not leaking

CREATE TABLE tenants (id bigint PRIMARY KEY, slug text NOT NULL UNIQUE, name text, n int);
CREATE TABLE events (id bigint PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants (id), title text, n int, UNIQUE (tenant_id, id));
CREATE TABLE tasks (id bigint PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants (id), title text, n int, UNIQUE (tenant_id, id));

-- statement:
WITH RECURSIVE r (id, k, n) AS (SELECT a.id, a.tenant_id, a.n FROM events a WHERE a.tenant_id = $1 UNION SELECT b.id, b.tenant_id, b.n FROM events b JOIN r ON b.n > r.n) SELECT id, n FROM r WHERE k = $1
