//! Orders, their items and their notes.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::Deserialize;
use sqlx::PgPool;
use tenantry::TenantScope;
use uuid::Uuid;

use crate::error::Error;
use crate::store::imports::ChannelOrder;
use crate::store::items::{Item, NewItem};
use crate::store::notes::Note;
use crate::store::orders::{Listed, NewOrder, Order};
use crate::store::{imports, items, notes, orders};

/// How many orders a list shows at most.
const PAGE: i64 = 100;

pub async fn list(State(pool): State<PgPool>, scope: TenantScope<Uuid>) -> Result<Json<Vec<Listed>>, Error> {
    Ok(Json(orders::list(&pool, scope.tenant(), PAGE).await?))
}

pub async fn get(
    State(pool): State<PgPool>,
    scope: TenantScope<Uuid>,
    Path(id): Path<Uuid>,
) -> Result<Json<Order>, Error> {
    orders::get(&pool, scope.tenant(), id).await?.map(Json).ok_or(Error::NotFound)
}

#[derive(Deserialize)]
pub struct Search {
    q: Option<String>,
    status: Option<String>,
}

pub async fn search(
    State(pool): State<PgPool>,
    scope: TenantScope<Uuid>,
    Query(search): Query<Search>,
) -> Result<Json<Vec<Order>>, Error> {
    if let Some(status) = search.status {
        return Ok(Json(orders::in_status(&pool, scope.tenant(), &status).await?));
    }
    let pattern = format!("%{}%", search.q.unwrap_or_default());
    Ok(Json(orders::search(&pool, scope.tenant(), &pattern).await?))
}

#[derive(Deserialize)]
pub struct Create {
    customer: String,
    country_code: String,
    items: Vec<NewItem>,
}

pub async fn create(
    State(pool): State<PgPool>,
    scope: TenantScope<Uuid>,
    Json(body): Json<Create>,
) -> Result<(StatusCode, Json<Uuid>), Error> {
    let new = NewOrder { customer: body.customer, country_code: body.country_code, items: body.items };
    let id = orders::create(&pool, scope.tenant(), &new).await?;
    Ok((StatusCode::CREATED, Json(id)))
}

#[derive(Deserialize)]
pub struct Import {
    external_id: String,
    number: i64,
    customer: String,
    country_code: String,
    total_cents: i64,
}

pub async fn import(
    State(pool): State<PgPool>,
    scope: TenantScope<Uuid>,
    Json(body): Json<Import>,
) -> Result<Json<Uuid>, Error> {
    let order = ChannelOrder {
        external_id: &body.external_id,
        number: body.number,
        customer: &body.customer,
        country_code: &body.country_code,
        total_cents: body.total_cents,
    };
    Ok(Json(imports::upsert(&pool, scope.tenant(), &order).await?))
}

#[derive(Deserialize)]
pub struct SetStatus {
    status: String,
}

pub async fn set_status(
    State(pool): State<PgPool>,
    scope: TenantScope<Uuid>,
    Path(id): Path<Uuid>,
    Json(body): Json<SetStatus>,
) -> Result<Json<Order>, Error> {
    orders::set_status(&pool, scope.tenant(), id, &body.status).await?.map(Json).ok_or(Error::NotFound)
}

pub async fn items(
    State(pool): State<PgPool>,
    scope: TenantScope<Uuid>,
    Path(id): Path<Uuid>,
) -> Result<Json<Vec<Item>>, Error> {
    Ok(Json(items::list(&pool, scope.tenant(), id).await?))
}

pub async fn remove_item(
    State(pool): State<PgPool>,
    scope: TenantScope<Uuid>,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Error> {
    match items::remove(&pool, scope.tenant(), id).await? {
        0 => Err(Error::NotFound),
        _ => Ok(StatusCode::NO_CONTENT),
    }
}

pub async fn notes(
    State(pool): State<PgPool>,
    scope: TenantScope<Uuid>,
    Path(id): Path<Uuid>,
) -> Result<Json<Vec<Note>>, Error> {
    Ok(Json(notes::list(&pool, scope.tenant(), id).await?))
}

#[derive(Deserialize)]
pub struct AddNote {
    author_email: String,
    body: String,
}

pub async fn add_note(
    State(pool): State<PgPool>,
    scope: TenantScope<Uuid>,
    Path(id): Path<Uuid>,
    Json(note): Json<AddNote>,
) -> Result<StatusCode, Error> {
    match notes::add(&pool, scope.tenant(), id, &note.author_email, &note.body).await? {
        0 => Err(Error::NotFound),
        _ => Ok(StatusCode::CREATED),
    }
}
