//! The people of an organization.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use sqlx::PgPool;
use tenantry::TenantScope;
use uuid::Uuid;

use crate::error::Error;
use crate::store::members::{self, Member};

pub async fn list(State(pool): State<PgPool>, scope: TenantScope<Uuid>) -> Result<Json<Vec<Member>>, Error> {
    Ok(Json(members::list(&pool, scope.tenant()).await?))
}

#[derive(Deserialize)]
pub struct Invite {
    email: String,
    display_name: String,
    role: String,
}

pub async fn invite(
    State(pool): State<PgPool>,
    scope: TenantScope<Uuid>,
    Json(body): Json<Invite>,
) -> Result<Json<Member>, Error> {
    Ok(Json(members::invite(&pool, scope.tenant(), &body.email, &body.display_name, &body.role).await?))
}
