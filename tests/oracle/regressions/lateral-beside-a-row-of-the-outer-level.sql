-- why: what is asked of the row beside a lateral relation above the join counts for it too
-- policy: [tenancy]
-- policy: keys = ["org_id", "workspace_id"]
-- policy: root = "orgs.id"
-- policy: hierarchy = ["org_id", "workspace_id"]
-- policy: 
-- policy: [tables]
-- tenant: $1 is orgs.id
-- expect: scoped

CREATE TABLE orgs (id bigint PRIMARY KEY, name text);
CREATE TABLE workspaces (id bigint PRIMARY KEY, org_id bigint NOT NULL REFERENCES orgs (id), name text, UNIQUE (org_id, id));
CREATE TABLE users (id uuid NOT NULL PRIMARY KEY, org_id bigint NOT NULL REFERENCES orgs (id), workspace_id bigint NOT NULL REFERENCES workspaces (id), n int);
CREATE TABLE tasks (id uuid NOT NULL PRIMARY KEY, org_id bigint NOT NULL REFERENCES orgs (id), workspace_id bigint NOT NULL REFERENCES workspaces (id), n int);

-- statement:
SELECT a.id, l.c FROM tasks a LEFT JOIN LATERAL (SELECT count(*) AS c FROM users b WHERE b.org_id = a.org_id) l ON true WHERE a.org_id = $1
