DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'live_owner') THEN
        CREATE ROLE live_owner;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'live_app') THEN
        CREATE ROLE live_app;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'live_readers') THEN
        CREATE ROLE live_readers;
    END IF;
END
$$;
GRANT live_readers TO live_app;

CREATE SCHEMA billing;
CREATE TYPE state AS ENUM ('open', 'closed');
CREATE DOMAIN email AS text CHECK (VALUE LIKE '%@%');
CREATE TYPE place AS (street text, town text);
CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);

CREATE FUNCTION org() RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$ SELECT NULLIF(current_setting('app.org_id', true), '')::bigint $$;
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.changed = now();
    RETURN NEW;
END
$$;
CREATE PROCEDURE nothing(a int, b text DEFAULT 'x') LANGUAGE sql AS $$ SELECT 1 $$;
CREATE FUNCTION doubled(int) RETURNS int LANGUAGE sql IMMUTABLE RETURN $1 * 2;

CREATE TABLE orgs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    slug varchar(40) NOT NULL UNIQUE,
    name text COLLATE loose
);
CREATE TABLE notes (
    id bigserial PRIMARY KEY,
    org_id bigint NOT NULL DEFAULT org() REFERENCES orgs ON DELETE CASCADE,
    body text NOT NULL CHECK (length(body) BETWEEN 1 AND 10000),
    rank integer,
    doubled integer GENERATED ALWAYS AS (rank * 2) STORED,
    state state NOT NULL DEFAULT 'open',
    writer email,
    labels text[] NOT NULL DEFAULT '{}',
    extra jsonb DEFAULT '{"a": 1}',
    amount numeric(12, 2) NOT NULL DEFAULT 0,
    due interval DEFAULT '48 hours',
    key uuid NOT NULL DEFAULT gen_random_uuid(),
    changed timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT rank_is_small CHECK (rank IN (1, 2, 3) OR rank IS NULL AND state <> 'closed'),
    UNIQUE (org_id, id),
    UNIQUE NULLS NOT DISTINCT (org_id, rank)
);
CREATE UNIQUE INDEX notes_open ON notes (org_id, lower(body)) WHERE state = 'open' AND rank NOT IN (4, 5);
CREATE INDEX notes_by_rank ON notes (org_id, rank DESC) INCLUDE (body);
CREATE INDEX ON notes USING gin (labels);
CREATE TABLE tags (
    org_id bigint NOT NULL,
    note_id bigint NOT NULL,
    label char(8) NOT NULL,
    place place,
    PRIMARY KEY (org_id, note_id, label),
    CONSTRAINT tags_note_fk FOREIGN KEY (org_id, note_id) REFERENCES notes (org_id, id) ON DELETE CASCADE
);
ALTER TABLE tags ADD CONSTRAINT tags_org_fk FOREIGN KEY (org_id) REFERENCES orgs (id) DEFERRABLE INITIALLY DEFERRED NOT VALID;
CREATE TABLE billing.lines (
    id int PRIMARY KEY,
    org_id bigint REFERENCES orgs ON UPDATE CASCADE ON DELETE SET NULL,
    span int4range,
    EXCLUDE USING gist (span WITH &&)
);

CREATE TABLE events (org_id bigint NOT NULL, at date NOT NULL, what text, PRIMARY KEY (org_id, at)) PARTITION BY RANGE (at);
CREATE TABLE events_2026 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE TABLE events_rest PARTITION OF events DEFAULT;
CREATE INDEX events_by_what ON events (what);
CREATE TABLE old_notes (id int, body text NOT NULL CHECK (body <> ''));
CREATE TABLE archived_notes (archived date) INHERITS (old_notes);

CREATE TRIGGER touch BEFORE INSERT OR UPDATE ON notes FOR EACH ROW EXECUTE FUNCTION touch();
CREATE TRIGGER never BEFORE DELETE ON notes FOR EACH ROW EXECUTE FUNCTION touch();
ALTER TABLE notes DISABLE TRIGGER never;
CREATE RULE kept AS ON DELETE TO old_notes DO INSTEAD NOTHING;

CREATE VIEW open_notes WITH (security_invoker = true) AS SELECT * FROM notes WHERE state = 'open';
CREATE VIEW all_notes (number, text) AS SELECT n.id, n.body || '!' FROM notes n JOIN orgs o ON o.id = n.org_id;
CREATE MATERIALIZED VIEW totals AS SELECT org_id, count(*) AS notes FROM notes GROUP BY org_id;
CREATE UNIQUE INDEX totals_org ON totals (org_id);

ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
ALTER TABLE notes FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON notes USING (org_id = org());
CREATE POLICY strict ON notes AS RESTRICTIVE FOR UPDATE TO live_app, live_readers
    USING (org_id = NULLIF(current_setting('app.org_id', true), '')::bigint)
    WITH CHECK (state IN ('open', 'closed') AND NOT rank BETWEEN 7 AND 9);
CREATE POLICY members ON tags FOR SELECT TO live_app
    USING (EXISTS (SELECT 1 FROM notes n WHERE n.id = tags.note_id AND n.org_id = tags.org_id));
ALTER TABLE tags ENABLE ROW LEVEL SECURITY;

ALTER TABLE notes OWNER TO live_owner;
GRANT SELECT, INSERT, UPDATE, DELETE ON notes, tags TO live_app;
GRANT SELECT ON ALL TABLES IN SCHEMA billing TO live_readers;
GRANT UPDATE (label) ON tags TO live_readers;
GRANT ALL ON orgs TO live_app;
REVOKE TRUNCATE ON orgs FROM live_app;
