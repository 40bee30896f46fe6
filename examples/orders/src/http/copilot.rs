//! What the assistant reads before it answers.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, PgPool};
use uuid::Uuid;

use crate::auth::Tenant;
use crate::error::Error;
use crate::store::copilot::{self, Profile};

pub async fn profile(State(pool): State<PgPool>, tenant: Tenant) -> Result<Json<Profile>, Error> {
    Ok(Json(copilot::profile(&pool, tenant).await?))
}

/// What the user asks the assistant, and about which organization.
#[derive(Deserialize)]
pub struct Ask {
    organization_id: Uuid,
    topic: String,
}

/// A piece of text that goes into the prompt.
#[derive(FromRow, Serialize)]
pub struct Passage {
    number: i64,
    body: String,
}

pub async fn context(
    State(pool): State<PgPool>,
    _tenant: Tenant,
    Json(ask): Json<Ask>,
) -> Result<Json<Vec<Passage>>, Error> {
    let passages = sqlx::query_as(
        "SELECT o.number, n.body
         FROM order_notes n
         JOIN orders o ON o.id = n.order_id AND o.organization_id = n.organization_id
         WHERE n.organization_id = $1 AND n.body ILIKE '%' || $2 || '%'
         ORDER BY n.created_at DESC
         LIMIT 20",
    )
    .bind(ask.organization_id)
    .bind(&ask.topic)
    .fetch_all(&pool)
    .await?;
    Ok(Json(passages))
}
