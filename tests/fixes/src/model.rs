//! What the queries are about.

use uuid::Uuid;

/// The authenticated tenant.
#[derive(Clone, Copy, Debug)]
pub struct Tenant(pub Uuid);

/// What authentication attached to a request.
#[derive(Clone, Debug)]
pub struct Context {
    tenant: Uuid,
}

impl Context {
    pub fn tenant_id(&self) -> Uuid {
        self.tenant
    }
}

#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Order {
    pub id: Uuid,
    pub tenant_id: Uuid,
    pub note: Option<String>,
    pub status: String,
}

/// What a framework hands over that something before the handler has put there.
#[derive(Clone, Copy, Debug)]
pub struct Extension<T>(pub T);
