CREATE TABLE orgs (id bigint PRIMARY KEY, name text NOT NULL);
CREATE TABLE countries (code text PRIMARY KEY);
CREATE TABLE orders (
    id bigint PRIMARY KEY,
    org_id bigint NOT NULL REFERENCES orgs (id),
    total bigint NOT NULL DEFAULT 0
);
CREATE TABLE lines (id bigint PRIMARY KEY, order_id bigint NOT NULL REFERENCES orders (id), text text);
