-- why: the number of the outer tenant stood beside its inner tenants' numbers, and passed for one of them
-- policy: [tenancy]
-- policy: keys = ["org_id", "workspace_id"]
-- policy: root = "orgs.id"
-- policy: hierarchy = ["org_id", "workspace_id"]
-- policy: 
-- policy: [tables]
-- tenant: $1 is orgs.id
-- expect: not scoped

CREATE TABLE orgs (id int PRIMARY KEY, name text);
CREATE TABLE workspaces (id int PRIMARY KEY, org_id int NOT NULL REFERENCES orgs (id), name text);
CREATE TABLE tasks (id bigint PRIMARY KEY, workspace_id int NOT NULL REFERENCES workspaces (id));

-- statement:
SELECT a.id, a.name FROM orgs a WHERE a.id = $1 UNION ALL SELECT b.id, b.name FROM workspaces b WHERE b.org_id = $1 EXCEPT SELECT c.id, c.name FROM workspaces c
