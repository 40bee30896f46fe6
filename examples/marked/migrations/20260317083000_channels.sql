-- The number that a sales channel gave the order, for orders that came through one.
ALTER TABLE orders ADD COLUMN external_id text;
ALTER TABLE orders ADD CONSTRAINT orders_external_id_key UNIQUE (organization_id, external_id);
