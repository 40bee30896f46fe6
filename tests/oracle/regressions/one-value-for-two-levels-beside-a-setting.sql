-- why: beside a setting, which names the tenant too and does not stand in the statement, a placeholder passed for two values
-- policy: [tenancy]
-- policy: keys = ["org_id", "workspace_id"]
-- policy: root = "orgs.id"
-- policy: hierarchy = ["org_id", "workspace_id"]
-- policy: 
-- policy: [trust]
-- policy: setting = "app.tenant"
-- tenant: $1 is orgs.id
-- expect: not scoped

CREATE TABLE orgs (id bigint PRIMARY KEY);
CREATE TABLE workspaces (id bigint PRIMARY KEY, org_id bigint NOT NULL REFERENCES orgs (id));
CREATE TABLE users (id bigint NOT NULL PRIMARY KEY, org_id bigint NOT NULL REFERENCES orgs (id), n int);
CREATE TABLE tasks (id bigint NOT NULL PRIMARY KEY, org_id bigint NOT NULL REFERENCES orgs (id), workspace_id bigint NOT NULL REFERENCES workspaces (id), n int);

-- statement:
SELECT a.n FROM users a WHERE a.org_id = $1 UNION ALL SELECT b.n FROM tasks b WHERE b.workspace_id = $1
