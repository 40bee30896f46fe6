//! Who is calling.

use axum::extract::FromRef;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use sqlx::{FromRow, PgPool};
use tenantry::{Authenticate, TenantId, TenantScope, cross_tenant};
use uuid::Uuid;

use crate::error::Error;

/// What the handlers share.
#[derive(Clone)]
pub struct App {
    pub pool: PgPool,
}

impl FromRef<App> for PgPool {
    fn from_ref(app: &App) -> PgPool {
        app.pool.clone()
    }
}

/// Whose token it is.
#[derive(FromRow)]
struct Token {
    organization_id: Uuid,
}

/// Every handler that takes a [`TenantScope`] gets it from here.
impl Authenticate<Uuid> for App {
    type Rejection = Error;

    async fn authenticate(&self, parts: &mut Parts) -> Result<TenantScope<Uuid>, Error> {
        let header = parts.headers.get(AUTHORIZATION).ok_or(Error::Unauthorized)?;
        let token =
            header.to_str().ok().and_then(|it| it.strip_prefix("Bearer ")).ok_or(Error::Unauthorized)?;
        let found = lookup(&self.pool, token).await?.ok_or(Error::Unauthorized)?;
        let tenant = TenantId::from_authenticated(found.organization_id);
        Ok(TenantScope::new(tenant, "api token", parts.uri.path()))
    }
}

#[cross_tenant(reason = "the token is what tells the tenant", owner = "platform", until = "2028-12-31")]
async fn lookup(pool: &PgPool, token: &str) -> sqlx::Result<Option<Token>> {
    sqlx::query_as(
        "SELECT organization_id FROM api_tokens
         WHERE token_hash = sha256(convert_to($1, 'UTF8')) AND revoked_at IS NULL",
    )
    .bind(token)
    .fetch_optional(pool)
    .await
}
