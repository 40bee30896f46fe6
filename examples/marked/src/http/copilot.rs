//! What the assistant reads before it answers.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use sqlx::PgPool;
use tenantry::TenantScope;
use uuid::Uuid;

use crate::error::Error;
use crate::store::copilot::{self, Passage, Profile};

pub async fn profile(State(pool): State<PgPool>, scope: TenantScope<Uuid>) -> Result<Json<Profile>, Error> {
    Ok(Json(copilot::profile(&pool, scope.tenant()).await?))
}

/// What the user asks the assistant.
#[derive(Deserialize)]
pub struct Ask {
    topic: String,
}

pub async fn context(
    State(pool): State<PgPool>,
    scope: TenantScope<Uuid>,
    Json(ask): Json<Ask>,
) -> Result<Json<Vec<Passage>>, Error> {
    Ok(Json(copilot::passages(&pool, scope.tenant(), &ask.topic).await?))
}
