//! Exports for spreadsheets.

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use sqlx::PgPool;
use tenantry::TenantScope;
use uuid::Uuid;

use crate::error::Error;
use crate::store::exports::{self, ExportLine};

pub async fn orders(
    State(pool): State<PgPool>,
    scope: TenantScope<Uuid>,
) -> Result<impl IntoResponse, Error> {
    let mut csv = String::from("number,customer,country,status,sku,quantity,unit_cents\n");
    for line in exports::lines(&pool, scope.tenant()).await? {
        push(&mut csv, &line);
    }
    Ok(([(CONTENT_TYPE, "text/csv; charset=utf-8")], csv))
}

fn push(csv: &mut String, line: &ExportLine) {
    let number = |it: Option<i64>| it.map(|it| it.to_string()).unwrap_or_default();
    let fields = [
        line.number.to_string(),
        quoted(&line.customer),
        quoted(&line.country),
        quoted(&line.status),
        quoted(line.sku.as_deref().unwrap_or_default()),
        number(line.quantity),
        number(line.unit_cents),
    ];
    csv.push_str(&fields.join(","));
    csv.push('\n');
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}
