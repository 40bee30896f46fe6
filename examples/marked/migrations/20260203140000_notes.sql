CREATE TABLE order_notes (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL REFERENCES organizations (id),
    order_id uuid NOT NULL REFERENCES orders (id),
    author_email text NOT NULL,
    body text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX order_notes_by_order ON order_notes (organization_id, order_id);

ALTER TABLE orders ADD COLUMN assigned_to uuid REFERENCES members (id);
