//! Who is calling.

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use sqlx::PgPool;
use uuid::Uuid;

use crate::error::Error;

/// The organization on whose behalf a request is made. Only the extractor below makes one, from the bearer token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::Type)]
#[sqlx(transparent)]
pub struct Tenant(Uuid);

impl FromRequestParts<PgPool> for Tenant {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, pool: &PgPool) -> Result<Tenant, Error> {
        let header = parts.headers.get(AUTHORIZATION).ok_or(Error::Unauthorized)?;
        let token =
            header.to_str().ok().and_then(|it| it.strip_prefix("Bearer ")).ok_or(Error::Unauthorized)?;
        let organization: Option<Uuid> =
            sqlx::query_scalar("SELECT organization_of_token($1)").bind(token).fetch_one(pool).await?;
        organization.map(Tenant).ok_or(Error::Unauthorized)
    }
}
