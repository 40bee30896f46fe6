-- why: the key of a table of tenants spans the outer ones: its violation tells that another one has such a tenant
-- policy: [tenancy]
-- policy: keys = ["org_id", "workspace_id"]
-- policy: root = "orgs.id"
-- policy: hierarchy = ["org_id", "workspace_id"]
-- policy: strict-errors = true
-- tenant: $1 is orgs.id
-- expect: not scoped

CREATE TABLE orgs (id int PRIMARY KEY);
CREATE TABLE workspaces (id int PRIMARY KEY, org_id int NOT NULL REFERENCES orgs (id));
CREATE TABLE projects (id text NOT NULL, workspace_id int NOT NULL REFERENCES workspaces (id), email text NOT NULL);

-- statement:
INSERT INTO workspaces (id, org_id) VALUES (2, $1)
