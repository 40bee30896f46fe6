//! A small multi-tenant order service, the example that Tenantry is shown on.
//!
//! `orders migrate` brings the database up to date; `orders serve` answers on `ORDERS_ADDR` (loopback, any free
//! port by default). Both take the database from `DATABASE_URL`.

mod auth;
mod error;
mod http;
mod store;
#[cfg(test)]
mod tests;

use std::env;

use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = env::var("DATABASE_URL").map_err(|_| "DATABASE_URL is not set")?;
    let pool = PgPoolOptions::new().max_connections(4).connect(&url).await?;
    match env::args().nth(1).as_deref() {
        Some("migrate") => Ok(sqlx::migrate!().run(&pool).await?),
        Some("serve") | None => serve(pool).await,
        Some(other) => Err(format!("unknown command `{other}`: say `migrate` or `serve`").into()),
    }
}

async fn serve(pool: PgPool) -> Result<(), Box<dyn std::error::Error>> {
    let address = env::var("ORDERS_ADDR").unwrap_or_else(|_| "127.0.0.1:0".to_owned());
    let listener = tokio::net::TcpListener::bind(&address).await?;
    println!("listening on {}", listener.local_addr()?);
    axum::serve(listener, http::router(pool)).await?;
    Ok(())
}
