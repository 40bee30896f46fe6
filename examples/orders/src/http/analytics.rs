//! Reports.

use axum::Json;
use axum::extract::{Query, State};
use serde::Deserialize;
use sqlx::PgPool;
use uuid::Uuid;

use crate::auth::Tenant;
use crate::error::Error;
use crate::store::analytics::{self, Revenue, Sold};

/// How many articles a report names.
const TOP: i64 = 10;

pub async fn revenue(State(pool): State<PgPool>, tenant: Tenant) -> Result<Json<Vec<Revenue>>, Error> {
    Ok(Json(analytics::revenue_by_month(&pool, tenant).await?))
}

#[derive(Deserialize)]
pub struct Articles {
    organization: Option<Uuid>,
}

pub async fn articles(
    State(pool): State<PgPool>,
    _tenant: Tenant,
    Query(filter): Query<Articles>,
) -> Result<Json<Vec<Sold>>, Error> {
    Ok(Json(analytics::top_articles(&pool, filter.organization, TOP).await?))
}
