//! A tenant with who acts, and in which request.

use alloc::string::String;

use crate::TenantId;

/// On whose behalf something is done, who does it, and in which request: what handlers hand on.
///
/// ```
/// use tenantry::{TenantId, TenantScope};
///
/// let scope = TenantScope::new(TenantId::for_test(7_i64), "user:3", "req-1");
/// assert_eq!(scope.tenant(), TenantId::for_test(7));
/// assert_eq!(scope.actor(), "user:3");
/// assert_eq!(scope.request_id(), "req-1");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TenantScope<T> {
    tenant: TenantId<T>,
    actor: String,
    request_id: String,
}

impl<T> TenantScope<T> {
    /// A tenant with who acts for it, and an id of the request or job.
    pub fn new(
        tenant: TenantId<T>,
        actor: impl Into<String>,
        request_id: impl Into<String>,
    ) -> TenantScope<T> {
        TenantScope { tenant, actor: actor.into(), request_id: request_id.into() }
    }

    /// The tenant.
    pub fn tenant(&self) -> TenantId<T>
    where
        T: Clone,
    {
        self.tenant.clone()
    }

    /// Who acts.
    pub fn actor(&self) -> &str {
        &self.actor
    }

    /// The request or job.
    pub fn request_id(&self) -> &str {
        &self.request_id
    }
}

#[cfg(feature = "axum")]
mod axum {
    use core::future::Future;

    use axum_core::extract::FromRequestParts;
    use axum_core::response::IntoResponse;
    use http::request::Parts;

    use crate::TenantScope;

    /// How a service authenticates a request. It is implemented on the router's state; then every handler can take a
    /// [`TenantScope`].
    pub trait Authenticate<T>: Send + Sync {
        /// What is answered where it cannot.
        type Rejection: IntoResponse;

        /// The tenant for whom the request is made: from a token or a session that was verified, never from what the request
        /// merely says.
        fn authenticate(
            &self,
            parts: &mut Parts,
        ) -> impl Future<Output = Result<TenantScope<T>, Self::Rejection>> + Send;
    }

    impl<S: Authenticate<T>, T: Send> FromRequestParts<S> for TenantScope<T> {
        type Rejection = S::Rejection;

        fn from_request_parts(
            parts: &mut Parts,
            state: &S,
        ) -> impl Future<Output = Result<TenantScope<T>, S::Rejection>> + Send {
            state.authenticate(parts)
        }
    }
}

#[cfg(feature = "axum")]
pub use axum::Authenticate;

#[cfg(feature = "actix")]
mod actix {
    use core::fmt;
    use core::future::{Ready, ready};

    use actix_web::dev::Payload;
    use actix_web::http::StatusCode;
    use actix_web::{FromRequest, HttpMessage as _, HttpRequest, ResponseError};

    use crate::TenantScope;

    /// No middleware has put a [`TenantScope`] into the request's extensions.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Unauthenticated;

    impl fmt::Display for Unauthenticated {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("not authenticated")
        }
    }

    impl ResponseError for Unauthenticated {
        fn status_code(&self) -> StatusCode {
            StatusCode::UNAUTHORIZED
        }
    }

    /// Takes the scope that the service's authentication, a middleware, has put into the request's extensions.
    impl<T: Clone + 'static> FromRequest for TenantScope<T> {
        type Error = Unauthenticated;
        type Future = Ready<Result<TenantScope<T>, Unauthenticated>>;

        fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
            ready(request.extensions().get::<TenantScope<T>>().cloned().ok_or(Unauthenticated))
        }
    }
}

#[cfg(feature = "actix")]
pub use actix::Unauthenticated;
