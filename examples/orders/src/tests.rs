//! What each tenant is answered, over a database of its own for each test (`DATABASE_URL`) with the tenants of `dev/seed.sql`.
//! All of it holds with the mistakes and without them: who mends one runs these.

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use sqlx::PgPool;
use tower::ServiceExt;

use crate::http::router;

const ACME: &str = "acme-dev-token";
const GLOBEX: &str = "globex-dev-token";
const ACMES_ORDER: &str = "aaaaaaaa-0000-4000-8000-000000000101";

async fn ask(pool: &PgPool, method: &str, path: &str, token: &str, body: &str) -> (StatusCode, String) {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json")
        .body(Body::from(body.to_owned()))
        .expect("a request");
    let answer = router(pool.clone()).oneshot(request).await.expect("an answer");
    let status = answer.status();
    let body = to_bytes(answer.into_body(), usize::MAX).await.expect("a body");
    (status, String::from_utf8_lossy(&body).into_owned())
}

async fn get(pool: &PgPool, path: &str, token: &str) -> String {
    let (status, body) = ask(pool, "GET", path, token, "").await;
    assert_eq!(status, StatusCode::OK, "{path}: {body}");
    body
}

#[sqlx::test(fixtures(path = "../dev", scripts("seed")))]
async fn a_list_holds_the_own_orders(pool: PgPool) {
    let acme = get(&pool, "/orders", ACME).await;
    assert!(acme.contains("Road Runner Ltd") && acme.contains("Kim (Acme)"), "{acme}");
    let globex = get(&pool, "/orders", GLOBEX).await;
    assert!(globex.contains("Hammerfell Mining") && !globex.contains("Road Runner"), "{globex}");
}

#[sqlx::test(fixtures(path = "../dev", scripts("seed")))]
async fn an_order_is_read_with_its_items_and_notes(pool: PgPool) {
    let order = get(&pool, &format!("/orders/{ACMES_ORDER}"), ACME).await;
    assert!(order.contains("Road Runner Ltd"), "{order}");
    let items = get(&pool, &format!("/orders/{ACMES_ORDER}/items"), ACME).await;
    assert!(items.contains("ANVIL"), "{items}");
    let notes = get(&pool, &format!("/orders/{ACMES_ORDER}/notes"), ACME).await;
    assert!(notes.contains("Ship by air.") && notes.contains("Kim (Acme)"), "{notes}");
}

#[sqlx::test(fixtures(path = "../dev", scripts("seed")))]
async fn a_search_finds_customers_and_numbers_of_channels(pool: PgPool) {
    for asked in ["runner", "SHOP-1001"] {
        let found = get(&pool, &format!("/orders/search?q={asked}"), ACME).await;
        assert!(found.contains("Road Runner Ltd") && !found.contains("Coyote"), "{found}");
    }
    let paid = get(&pool, "/orders/search?status=paid", ACME).await;
    assert!(paid.contains("Coyote & Sons"), "{paid}");
}

#[sqlx::test(fixtures(path = "../dev", scripts("seed")))]
async fn an_import_updates_what_came_before(pool: PgPool) {
    let order = r#"{"external_id": "shop-1001", "number": 7, "customer": "Road Runner Inc", "country_code": "US", "total_cents": 1}"#;
    let (status, body) = ask(&pool, "POST", "/orders/import", ACME, order).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    assert!(body.contains(ACMES_ORDER), "{body}");
    let order = get(&pool, &format!("/orders/{ACMES_ORDER}"), ACME).await;
    assert!(order.contains("Road Runner Inc"), "{order}");
}

#[sqlx::test(fixtures(path = "../dev", scripts("seed")))]
async fn the_copilot_finds_passages_of_the_own_notes(pool: PgPool) {
    let asked = r#"{"organization_id": "aaaaaaaa-0000-4000-8000-000000000001", "topic": "ship"}"#;
    let (status, body) = ask(&pool, "POST", "/copilot/context", ACME, asked).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    assert!(body.contains("Ship by air."), "{body}");
}

#[sqlx::test(fixtures(path = "../dev", scripts("seed")))]
async fn who_has_no_token_is_refused(pool: PgPool) {
    let (status, _) = ask(&pool, "GET", "/orders", "nobody's", "").await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
}
