//! What a [`TenantId`](crate::TenantId) can be written to. What can be read is deliberately absent.

#[cfg(feature = "serde")]
mod serde {
    use crate::TenantId;
    use serde::{Serialize, Serializer};

    impl<T: Serialize> Serialize for TenantId<T> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            self.get().serialize(serializer)
        }
    }
}

#[cfg(feature = "sqlx")]
mod sqlx {
    use crate::TenantId;
    use sqlx_core::database::Database;
    use sqlx_core::encode::{Encode, IsNull};
    use sqlx_core::error::BoxDynError;
    use sqlx_core::types::Type;

    impl<DB: Database, T: Type<DB>> Type<DB> for TenantId<T> {
        fn type_info() -> DB::TypeInfo {
            T::type_info()
        }

        fn compatible(ty: &DB::TypeInfo) -> bool {
            T::compatible(ty)
        }
    }

    impl<'q, DB: Database, T: Encode<'q, DB>> Encode<'q, DB> for TenantId<T> {
        fn encode_by_ref(
            &self,
            buffer: &mut <DB as Database>::ArgumentBuffer,
        ) -> Result<IsNull, BoxDynError> {
            self.get().encode_by_ref(buffer)
        }

        fn produces(&self) -> Option<DB::TypeInfo> {
            self.get().produces()
        }

        fn size_hint(&self) -> usize {
            self.get().size_hint()
        }
    }
}

#[cfg(feature = "diesel")]
mod diesel {
    use crate::TenantId;
    use diesel::backend::Backend;
    use diesel::expression::{AsExpression, TypedExpressionType};
    use diesel::serialize::{Output, Result, ToSql};
    use diesel::sql_types::SqlType;

    impl<T: ToSql<ST, DB>, ST, DB: Backend> ToSql<ST, DB> for TenantId<T> {
        fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> Result {
            self.get().to_sql(out)
        }
    }

    impl<T: AsExpression<ST>, ST: SqlType + TypedExpressionType> AsExpression<ST> for TenantId<T> {
        type Expression = T::Expression;

        fn as_expression(self) -> T::Expression {
            self.into_inner().as_expression()
        }
    }

    impl<'a, T, ST: SqlType + TypedExpressionType> AsExpression<ST> for &'a TenantId<T>
    where
        &'a T: AsExpression<ST>,
    {
        type Expression = <&'a T as AsExpression<ST>>::Expression;

        fn as_expression(self) -> Self::Expression {
            self.get().as_expression()
        }
    }
}

#[cfg(feature = "sea-orm")]
mod sea_orm {
    use crate::TenantId;
    use sea_query::Value;

    impl<T: Into<Value>> From<TenantId<T>> for Value {
        fn from(tenant: TenantId<T>) -> Value {
            tenant.into_inner().into()
        }
    }
}

#[cfg(feature = "tokio-postgres")]
mod tokio_postgres {
    use crate::TenantId;
    use alloc::boxed::Box;
    use core::error::Error;
    use postgres_types::private::BytesMut;
    use postgres_types::{Format, IsNull, ToSql, Type};

    impl<T: ToSql> ToSql for TenantId<T> {
        fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
            self.get().to_sql(ty, out)
        }

        fn accepts(ty: &Type) -> bool {
            T::accepts(ty)
        }

        fn to_sql_checked(
            &self,
            ty: &Type,
            out: &mut BytesMut,
        ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
            self.get().to_sql_checked(ty, out)
        }

        fn encode_format(&self, ty: &Type) -> Format {
            self.get().encode_format(ty)
        }
    }
}
