//! Routes. A handler reads the request, asks the store, and shapes the answer.

mod analytics;
mod copilot;
mod exports;
mod members;
mod orders;

use axum::Router;
use axum::routing::{delete, get, post};

use crate::auth::App;

/// All routes over one database.
pub fn router(app: App) -> Router {
    Router::new()
        .route("/orders", get(orders::list).post(orders::create))
        .route("/orders/search", get(orders::search))
        .route("/orders/import", post(orders::import))
        .route("/orders/{id}", get(orders::get))
        .route("/orders/{id}/status", post(orders::set_status))
        .route("/orders/{id}/items", get(orders::items))
        .route("/orders/{id}/notes", get(orders::notes).post(orders::add_note))
        .route("/items/{id}", delete(orders::remove_item))
        .route("/members", get(members::list).post(members::invite))
        .route("/exports/orders.csv", get(exports::orders))
        .route("/reports/revenue", get(analytics::revenue))
        .route("/reports/articles", get(analytics::articles))
        .route("/copilot/profile", get(copilot::profile))
        .route("/copilot/context", post(copilot::context))
        .with_state(app)
}
