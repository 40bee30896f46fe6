-- why: a parameter fits an operand of any type, so that an equality of the schema's own is nearer than PostgreSQL's
-- policy: [tenancy]
-- policy: keys = ["tenant_id"]
-- policy: root = "tenants.id"
-- policy: 
-- policy: [tables]
-- tenant: $1 is tenants.id
-- expect: not scoped

CREATE TABLE tenants (id varchar PRIMARY KEY, name text);
CREATE TABLE tasks (id bigint PRIMARY KEY, tenant_id varchar NOT NULL REFERENCES tenants (id));
CREATE TYPE mood AS ENUM ('a_me', 'sad');
CREATE FUNCTION fits(mood, varchar) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE OPERATOR = (LEFTARG = mood, RIGHTARG = varchar, FUNCTION = fits);

-- statement:
SELECT a.id FROM tasks a WHERE $1 = a.tenant_id
