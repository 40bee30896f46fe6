CREATE TABLE customers (id BIGINT PRIMARY KEY, tenant_id BIGINT NOT NULL, name TEXT NOT NULL, parent_id BIGINT);
CREATE TABLE orders (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    status TEXT NOT NULL,
    customer_id BIGINT NOT NULL REFERENCES customers (id),
    total BIGINT,
    UNIQUE (tenant_id, status)
);
CREATE TABLE items (order_id BIGINT NOT NULL REFERENCES orders (id), line BIGINT NOT NULL, sku TEXT NOT NULL, PRIMARY KEY (order_id, line));
