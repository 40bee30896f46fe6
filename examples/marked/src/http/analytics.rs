//! Reports.

use axum::Json;
use axum::extract::State;
use sqlx::PgPool;
use tenantry::TenantScope;
use uuid::Uuid;

use crate::error::Error;
use crate::store::analytics::{self, Revenue, Sold};

/// How many articles a report names.
const TOP: i64 = 10;

pub async fn revenue(
    State(pool): State<PgPool>,
    scope: TenantScope<Uuid>,
) -> Result<Json<Vec<Revenue>>, Error> {
    Ok(Json(analytics::revenue_by_month(&pool, scope.tenant()).await?))
}

pub async fn articles(
    State(pool): State<PgPool>,
    scope: TenantScope<Uuid>,
) -> Result<Json<Vec<Sold>>, Error> {
    Ok(Json(analytics::top_articles(&pool, scope.tenant(), TOP).await?))
}
