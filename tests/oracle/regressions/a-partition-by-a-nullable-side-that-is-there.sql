-- why: what a window is divided by may be missing in a left join, and is not where every row meets itself
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
SELECT x.aid, x.w FROM (SELECT a.id AS aid, a.tenant_id AS k, count(*) OVER (PARTITION BY b.tenant_id) AS w FROM events a LEFT JOIN events b ON b.tenant_id = a.tenant_id) x WHERE x.k = $1
