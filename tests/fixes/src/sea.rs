//! SeaORM's chains.

use sea_orm::{ColumnTrait, DatabaseConnection, DbErr, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder};
use uuid::Uuid;

use crate::model::Tenant;

pub mod order {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "orders")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub tenant_id: Uuid,
        pub status: String,
        pub total: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod user {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "users")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub tenant_id: Uuid,
        pub email: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub async fn of_tenant(db: &DatabaseConnection, tenant: Tenant) -> Result<Vec<order::Model>, DbErr> {
    order::Entity::find().filter(order::Column::TenantId.eq(tenant.0)).all(db).await
}

pub async fn by_id(db: &DatabaseConnection, tenant: Tenant, id: Uuid) -> Result<Option<order::Model>, DbErr> {
    order::Entity::find_by_id(id).one(db).await
}

pub async fn all(db: &DatabaseConnection, tenant: Tenant) -> Result<Vec<order::Model>, DbErr> {
    order::Entity::find().all(db).await
}

pub async fn open(db: &DatabaseConnection, tenant: Tenant) -> Result<Vec<order::Model>, DbErr> {
    order::Entity::find()
        .filter(order::Column::Status.eq("open"))
        .order_by_desc(order::Column::Total)
        .all(db)
        .await
}

pub async fn counted(db: &DatabaseConnection, tenant: Tenant) -> Result<u64, DbErr> {
    order::Entity::find().filter(order::Column::Total.gt(0)).count(db).await
}

pub async fn person(db: &DatabaseConnection, tenant: Tenant, email: &str) -> Result<Option<user::Model>, DbErr> {
    user::Entity::find()
        .filter(user::Column::Email.eq(email))
        .one(db)
        .await
}

pub async fn person_by_id(db: &DatabaseConnection, tenant_id: Uuid, id: Uuid) -> Result<Option<user::Model>, DbErr> {
    user::Entity::find_by_id(id).one(db).await
}
