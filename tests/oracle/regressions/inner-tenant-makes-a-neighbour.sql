-- why: a tenant of an inner level made another one beside itself, under the outer tenant that its own row names
-- policy: [tenancy]
-- policy: keys = ["org_id", "workspace_id"]
-- policy: root = "orgs.id"
-- policy: hierarchy = ["org_id", "workspace_id"]
-- tenant: $1 is workspaces.id
-- expect: not scoped

CREATE TABLE orgs (id bigint PRIMARY KEY);
CREATE TABLE workspaces (id bigint PRIMARY KEY, org_id bigint NOT NULL REFERENCES orgs (id));
CREATE TABLE events (id bigint PRIMARY KEY, workspace_id bigint NOT NULL REFERENCES workspaces (id));

-- statement:
INSERT INTO workspaces (id, org_id) VALUES ($2, (SELECT c.org_id FROM workspaces c WHERE c.id = $1))
