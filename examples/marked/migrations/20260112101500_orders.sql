CREATE TABLE countries (
    code text PRIMARY KEY,
    name text NOT NULL
);

CREATE TABLE orders (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL REFERENCES organizations (id),
    number bigint NOT NULL,
    customer text NOT NULL,
    country_code text NOT NULL REFERENCES countries (code),
    status text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'paid', 'shipped', 'cancelled')),
    total_cents bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (organization_id, number)
);

CREATE INDEX orders_by_age ON orders (organization_id, created_at);

-- A line belongs to whom its order belongs to.
CREATE TABLE order_items (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    order_id uuid NOT NULL REFERENCES orders (id),
    sku text NOT NULL,
    quantity bigint NOT NULL CHECK (quantity > 0),
    unit_cents bigint NOT NULL
);

CREATE INDEX order_items_by_order ON order_items (order_id);
