//! The authenticated tenant's key.

use core::fmt;

/// The key of the tenant on whose behalf something is done.
///
/// It is made where authentication is, by a constructor that names where the value comes from, and then handed on. It can be
/// written to databases, JSON and logs, and read from nothing.
///
/// ```
/// use tenantry::TenantId;
///
/// let tenant = TenantId::from_authenticated(7_i64);
/// assert_eq!(*tenant.get(), 7);
/// assert_eq!(tenant.to_string(), "7");
/// assert_eq!(core::mem::size_of_val(&tenant), core::mem::size_of::<i64>());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct TenantId<T>(T);

impl<T> TenantId<T> {
    /// The tenant that authentication has established for this request: from a verified token or session.
    pub const fn from_authenticated(key: T) -> TenantId<T> {
        TenantId(key)
    }

    /// The tenant that a job was stored for, or one of those that it goes through.
    pub const fn for_job(key: T) -> TenantId<T> {
        TenantId(key)
    }

    /// A tenant of a test. Outside of tests its queries are not proved.
    pub const fn for_test(key: T) -> TenantId<T> {
        TenantId(key)
    }

    /// The key.
    pub fn get(&self) -> &T {
        &self.0
    }

    /// The key.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T: fmt::Debug> fmt::Debug for TenantId<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TenantId").field(&self.0).finish()
    }
}

impl<T: fmt::Display> fmt::Display for TenantId<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
