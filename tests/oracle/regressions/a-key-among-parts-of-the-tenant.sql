-- why: the key is compared with the parts of a text that the tenant's name is all of
-- policy: [tenancy]
-- policy: keys = ["tenant_id"]
-- policy: root = "tenants.id"
-- policy: 
-- policy: [tables]
-- tenant: $1 is tenants.id
-- expect: not leaking

CREATE TABLE tenants (id text PRIMARY KEY, slug text NOT NULL UNIQUE, name text, n int);
CREATE TABLE events (id bigint PRIMARY KEY, tenant_id text NOT NULL REFERENCES tenants (id), title text, n int, UNIQUE (tenant_id, id));
CREATE TABLE tasks (id bigint PRIMARY KEY, tenant_id text NOT NULL REFERENCES tenants (id), title text, n int, UNIQUE (tenant_id, id));

-- statement:
SELECT a.id FROM events a WHERE a.tenant_id = ANY (SELECT unnest(string_to_array($1::text, ',')))
