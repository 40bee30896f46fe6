//! Routes. A handler reads the request, asks the store, and shapes the answer.

mod orders;
mod organizations;

use axum::Router;
use axum::routing::{delete, get, post};
use sqlx::PgPool;

/// All routes over one database.
pub fn router(pool: PgPool) -> Router {
    Router::new()
        .route("/organization", get(organizations::profile))
        .route("/orders", get(orders::list).post(orders::create))
        .route("/orders/{id}", get(orders::get))
        .route("/orders/{id}/status", post(orders::set_status))
        .route("/orders/{id}/items", get(orders::items))
        .route("/items/{id}", delete(orders::remove_item))
        .route("/reports/revenue", get(orders::revenue))
        .with_state(pool)
}
