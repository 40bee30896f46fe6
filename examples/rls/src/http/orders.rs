//! Orders and their items.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use sqlx::PgPool;
use uuid::Uuid;

use crate::auth::Tenant;
use crate::error::Error;
use crate::store::items::{self, Item, NewItem};
use crate::store::orders::{self, Order, Revenue};

/// How many orders a list shows at most.
const PAGE: i64 = 100;

pub async fn list(State(pool): State<PgPool>, tenant: Tenant) -> Result<Json<Vec<Order>>, Error> {
    Ok(Json(orders::list(&pool, tenant, PAGE).await?))
}

pub async fn get(
    State(pool): State<PgPool>,
    tenant: Tenant,
    Path(id): Path<Uuid>,
) -> Result<Json<Order>, Error> {
    orders::get(&pool, tenant, id).await?.map(Json).ok_or(Error::NotFound)
}

pub async fn revenue(State(pool): State<PgPool>, tenant: Tenant) -> Result<Json<Vec<Revenue>>, Error> {
    Ok(Json(orders::revenue(&pool, tenant).await?))
}

#[derive(Deserialize)]
pub struct Create {
    customer: String,
    items: Vec<NewItem>,
}

pub async fn create(
    State(pool): State<PgPool>,
    tenant: Tenant,
    Json(body): Json<Create>,
) -> Result<(StatusCode, Json<Uuid>), Error> {
    let id = orders::create(&pool, tenant, body.customer, body.items).await?;
    Ok((StatusCode::CREATED, Json(id)))
}

#[derive(Deserialize)]
pub struct SetStatus {
    status: String,
}

pub async fn set_status(
    State(pool): State<PgPool>,
    tenant: Tenant,
    Path(id): Path<Uuid>,
    Json(body): Json<SetStatus>,
) -> Result<Json<Order>, Error> {
    orders::set_status(&pool, tenant, id, body.status).await?.map(Json).ok_or(Error::NotFound)
}

pub async fn items(
    State(pool): State<PgPool>,
    tenant: Tenant,
    Path(id): Path<Uuid>,
) -> Result<Json<Vec<Item>>, Error> {
    Ok(Json(items::list(&pool, tenant, id).await?))
}

pub async fn remove_item(
    State(pool): State<PgPool>,
    tenant: Tenant,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Error> {
    match items::remove(&pool, tenant, id).await? {
        0 => Err(Error::NotFound),
        _ => Ok(StatusCode::NO_CONTENT),
    }
}
