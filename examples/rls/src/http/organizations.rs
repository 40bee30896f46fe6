//! The caller's organization.

use axum::Json;
use axum::extract::State;
use sqlx::PgPool;

use crate::auth::Tenant;
use crate::error::Error;
use crate::store::organizations::{self, Profile};

pub async fn profile(State(pool): State<PgPool>, tenant: Tenant) -> Result<Json<Profile>, Error> {
    Ok(Json(organizations::profile(&pool, tenant).await?))
}
