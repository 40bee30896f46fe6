CREATE TABLE organizations (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    slug text NOT NULL UNIQUE,
    name text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE members (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL REFERENCES organizations (id),
    email text NOT NULL,
    display_name text NOT NULL,
    role text NOT NULL DEFAULT 'viewer' CHECK (role IN ('viewer', 'clerk', 'owner')),
    UNIQUE (organization_id, email)
);

CREATE TABLE api_tokens (
    token_hash bytea PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organizations (id),
    revoked_at timestamptz
);
