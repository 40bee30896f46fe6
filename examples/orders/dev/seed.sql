-- Two tenants with data, for `make up`. Both have a member with the address of the same accountant.
INSERT INTO organizations (id, slug, name) VALUES
    ('aaaaaaaa-0000-4000-8000-000000000001', 'acme', 'Acme Tools'),
    ('bbbbbbbb-0000-4000-8000-000000000001', 'globex', 'Globex Chemicals');

INSERT INTO api_tokens (token_hash, organization_id) VALUES
    (sha256('acme-dev-token'), 'aaaaaaaa-0000-4000-8000-000000000001'),
    (sha256('globex-dev-token'), 'bbbbbbbb-0000-4000-8000-000000000001');

INSERT INTO members (id, organization_id, email, display_name, role) VALUES
    ('aaaaaaaa-0000-4000-8000-000000000011', 'aaaaaaaa-0000-4000-8000-000000000001', 'kim@books.example', 'Kim (Acme)', 'clerk'),
    ('bbbbbbbb-0000-4000-8000-000000000011', 'bbbbbbbb-0000-4000-8000-000000000001', 'kim@books.example', 'Kim (Globex)', 'owner');

INSERT INTO countries (code, name) VALUES ('DE', 'Germany'), ('FR', 'France'), ('US', 'United States');

INSERT INTO orders (id, organization_id, number, customer, country_code, status, total_cents, assigned_to, external_id) VALUES
    ('aaaaaaaa-0000-4000-8000-000000000101', 'aaaaaaaa-0000-4000-8000-000000000001', 1, 'Road Runner Ltd', 'US', 'open', 4200, 'aaaaaaaa-0000-4000-8000-000000000011', 'shop-1001'),
    ('aaaaaaaa-0000-4000-8000-000000000102', 'aaaaaaaa-0000-4000-8000-000000000001', 2, 'Coyote & Sons', 'FR', 'paid', 990, NULL, NULL),
    ('bbbbbbbb-0000-4000-8000-000000000101', 'bbbbbbbb-0000-4000-8000-000000000001', 1, 'Hammerfell Mining', 'DE', 'open', 770000, 'bbbbbbbb-0000-4000-8000-000000000011', 'shop-2001');

INSERT INTO order_items (order_id, sku, quantity, unit_cents) VALUES
    ('aaaaaaaa-0000-4000-8000-000000000101', 'ANVIL', 1, 4200),
    ('aaaaaaaa-0000-4000-8000-000000000102', 'MAGNET', 2, 495),
    ('bbbbbbbb-0000-4000-8000-000000000101', 'SOLVENT', 70, 11000);

INSERT INTO order_notes (organization_id, order_id, author_email, body) VALUES
    ('aaaaaaaa-0000-4000-8000-000000000001', 'aaaaaaaa-0000-4000-8000-000000000101', 'kim@books.example', 'Ship by air.'),
    ('bbbbbbbb-0000-4000-8000-000000000001', 'bbbbbbbb-0000-4000-8000-000000000101', 'kim@books.example', 'Margin is 62 percent, keep it quiet.');
