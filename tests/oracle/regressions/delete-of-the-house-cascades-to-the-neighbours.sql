-- why: wrongly scoped
-- policy: [tenancy]
-- policy: keys = ["org_id", "workspace_id"]
-- policy: root = "orgs.id"
-- policy: hierarchy = ["org_id", "workspace_id"]
-- policy: trust-foreign-keys = true
-- tenant: $1 is workspaces.id
-- expect: not scoped

CREATE TABLE orgs (id bigint PRIMARY KEY, name text);
CREATE TABLE workspaces (id bigint PRIMARY KEY, org_id bigint NOT NULL REFERENCES orgs (id), name text, UNIQUE (org_id, id));
CREATE TABLE projects (id bigint PRIMARY KEY, org_id bigint NOT NULL REFERENCES orgs (id), title text);
CREATE TABLE users (id bigint PRIMARY KEY, workspace_id bigint NOT NULL REFERENCES workspaces (id), title text, projects_ref bigint NOT NULL REFERENCES projects (id) ON DELETE CASCADE);

-- statement:
DELETE FROM projects a WHERE a.org_id IN (SELECT b.org_id FROM workspaces b WHERE b.id = $1)
