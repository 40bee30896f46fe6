-- why: a comparison has the collation of either side: one that takes two texts for one stands between the key and the tenant
-- policy: [tenancy]
-- policy: keys = ["tenant_id"]
-- policy: root = "tenants.id"
-- tenant: $1 is tenants.id
-- expect: not scoped

CREATE COLLATION ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE tenants (id text PRIMARY KEY, slug text NOT NULL UNIQUE);
CREATE TABLE tasks (id uuid NOT NULL PRIMARY KEY, tenant_id text NOT NULL, email text COLLATE ci NOT NULL);

-- statement:
SELECT a.id FROM tasks a WHERE a.tenant_id = a.email AND a.email = $1
