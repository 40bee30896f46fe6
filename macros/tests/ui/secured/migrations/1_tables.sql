CREATE ROLE app NOLOGIN NOBYPASSRLS;
CREATE TABLE orgs (id bigint PRIMARY KEY);
CREATE TABLE orders (id bigint PRIMARY KEY, org_id bigint NOT NULL REFERENCES orgs (id));
ALTER TABLE orders ENABLE ROW LEVEL SECURITY;
ALTER TABLE orders FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON orders TO app USING (org_id = current_setting('app.org')::bigint);
GRANT SELECT ON orders TO app;
