CREATE TABLE organizations (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    slug text NOT NULL UNIQUE,
    name text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE api_tokens (
    token_hash bytea PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organizations (id),
    revoked_at timestamptz
);
