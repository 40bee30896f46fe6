//! Queries by SeaORM's chains.

use sea_orm::{ColumnTrait, DatabaseConnection, DbErr, EntityTrait, QueryFilter};
use uuid::Uuid;

mod order {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "orders")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub tenant_id: Uuid,
        pub status: String,
    }
}

pub async fn of_tenant(db: &DatabaseConnection, tenant: Tenant) -> Result<Vec<order::Model>, DbErr> {
    order::Entity::find().filter(order::Column::TenantId.eq(tenant.0)).all(db).await
}

pub async fn by_id(db: &DatabaseConnection, tenant: Tenant, id: Uuid) -> Result<Option<order::Model>, DbErr> {
    order::Entity::find_by_id(id).one(db).await
}

pub async fn open(db: &DatabaseConnection, tenant: Tenant) -> Result<Vec<order::Model>, DbErr> {
    order::Entity::find()
        .filter(order::Column::Status.eq("open"))
        .all(db)
        .await
}
