-- The service logs in as a role of its own, which owns nothing and is no superuser.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'orders_app') THEN
        CREATE ROLE orders_app LOGIN NOSUPERUSER NOBYPASSRLS;
    END IF;
END
$$;
GRANT SELECT ON organizations TO orders_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON orders, order_items TO orders_app;

ALTER TABLE organizations ENABLE ROW LEVEL SECURITY;
ALTER TABLE organizations FORCE ROW LEVEL SECURITY;
ALTER TABLE api_tokens ENABLE ROW LEVEL SECURITY;
ALTER TABLE orders ENABLE ROW LEVEL SECURITY;
ALTER TABLE orders FORCE ROW LEVEL SECURITY;
ALTER TABLE order_items ENABLE ROW LEVEL SECURITY;
ALTER TABLE order_items FORCE ROW LEVEL SECURITY;

-- After a transaction that set it the setting is the empty string, which is no uuid: NULLIF makes it match nothing.
CREATE POLICY own_organization ON organizations FOR SELECT TO orders_app
    USING (id = NULLIF(current_setting('app.organization_id', true), '')::uuid);
CREATE POLICY own_orders ON orders TO orders_app
    USING (organization_id = NULLIF(current_setting('app.organization_id', true), '')::uuid);
CREATE POLICY own_items ON order_items TO orders_app
    USING (organization_id = NULLIF(current_setting('app.organization_id', true), '')::uuid);

-- Whose token it is has to be known before the tenant is. The table itself is readable by its owner alone.
CREATE FUNCTION organization_of_token(token text) RETURNS uuid
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
        SELECT organization_id FROM api_tokens
        WHERE token_hash = sha256(convert_to(token, 'UTF8')) AND revoked_at IS NULL
    $$;
REVOKE EXECUTE ON FUNCTION organization_of_token(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION organization_of_token(text) TO orders_app;
