//! Chains of SeaORM and sea-query: compiled, and read as source.

use sea_orm::sea_query::{
    Alias, Asterisk, CaseStatement, Cond, Expr, ExprTrait, Func, IntoCondition, JoinType, LockType,
    NullOrdering, OnConflict, Order, PostgresQueryBuilder, Query, SimpleExpr, UnionType,
};
use sea_orm::{
    ActiveModelTrait, ActiveValue, ColumnTrait, Condition, DatabaseConnection, DeriveIden, EntityTrait,
    IntoActiveModel, ModelTrait, NotSet, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    RelationTrait, Set, Unchanged,
};

use crate::{Texts, run};

mod customer {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "customers")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        pub tenant_id: i64,
        pub name: String,
        pub parent_id: Option<i64>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(has_many = "super::order::Entity")]
        Orders,
        #[sea_orm(belongs_to = "Entity", from = "Column::ParentId", to = "Column::Id")]
        Parent,
    }

    impl Related<super::order::Entity> for Entity {
        fn to() -> RelationDef {
            Relation::Orders.def()
        }
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod order {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "orders")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        pub tenant_id: i64,
        pub status: String,
        pub customer_id: i64,
        pub total: Option<i64>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(
            belongs_to = "super::customer::Entity",
            from = "Column::CustomerId",
            to = "super::customer::Column::Id",
            on_delete = "Cascade"
        )]
        Customer,
        #[sea_orm(has_many = "super::line::Entity")]
        Lines,
    }

    impl Related<super::customer::Entity> for Entity {
        fn to() -> RelationDef {
            Relation::Customer.def()
        }
    }

    impl Related<super::line::Entity> for Entity {
        fn to() -> RelationDef {
            Relation::Lines.def()
        }
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod line {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "items")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub order_id: i64,
        #[sea_orm(primary_key, auto_increment = false)]
        pub line: i64,
        #[sea_orm(column_name = "sku")]
        pub article: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter)]
    pub enum Relation {
        Order,
    }

    impl RelationTrait for Relation {
        fn def(&self) -> RelationDef {
            match self {
                Self::Order => Entity::belongs_to(super::order::Entity)
                    .from(Column::OrderId)
                    .to(super::order::Column::Id)
                    .into(),
            }
        }
    }

    impl Related<super::order::Entity> for Entity {
        fn to() -> RelationDef {
            Relation::Order.def()
        }
    }

    impl Related<super::customer::Entity> for Entity {
        fn to() -> RelationDef {
            super::order::Relation::Customer.def()
        }

        fn via() -> Option<RelationDef> {
            Some(Relation::Order.def())
        }
    }

    impl ActiveModelBehavior for ActiveModel {}
}

struct LineToCustomer;

impl sea_orm::Linked for LineToCustomer {
    type FromEntity = line::Entity;
    type ToEntity = customer::Entity;

    fn link(&self) -> Vec<sea_orm::RelationDef> {
        vec![line::Relation::Order.def(), order::Relation::Customer.def()]
    }
}

#[derive(DeriveIden)]
enum Orders {
    Table,
    Id,
    TenantId,
    Status,
    CustomerId,
}

async fn comparisons(db: &DatabaseConnection, tenant: i64) {
    let _ = order::Entity::find().all(db).await;
    let _ = order::Entity::find().filter(order::Column::TenantId.eq(tenant)).all(db).await;
    let _ = order::Entity::find()
        .filter(order::Column::Id.eq(1))
        .filter(order::Column::TenantId.eq(tenant))
        .one(db)
        .await;
    let _ = order::Entity::find().filter(order::Column::TenantId.ne(tenant)).all(db).await;
    let _ = order::Entity::find()
        .filter(order::Column::Id.gt(1).and(order::Column::TenantId.eq(tenant)))
        .all(db)
        .await;
    let _ = order::Entity::find()
        .filter(order::Column::Id.gte(1).or(order::Column::TenantId.eq(tenant)))
        .all(db)
        .await;
    let _ = order::Entity::find()
        .filter(order::Column::TenantId.eq(tenant))
        .filter(order::Column::Id.lt(1).or(order::Column::Status.eq("x")))
        .all(db)
        .await;
    let _ = order::Entity::find().filter(order::Column::TenantId.lte(tenant)).all(db).await;
    let _ = order::Entity::find().filter(order::Column::TenantId.eq(tenant).not()).all(db).await;
    let _ = order::Entity::find().filter(order::Column::TenantId.is_in([tenant, 2])).all(db).await;
    let _ = order::Entity::find().filter(order::Column::TenantId.is_not_in([tenant])).all(db).await;
    let _ = order::Entity::find().filter(order::Column::Total.is_null()).all(db).await;
    let _ = order::Entity::find()
        .filter(order::Column::Total.is_not_null())
        .filter(order::Column::TenantId.eq(tenant))
        .all(db)
        .await;
    let _ = order::Entity::find()
        .filter(order::Column::Total.between(1, 2).and(order::Column::TenantId.eq(tenant)))
        .all(db)
        .await;
    let _ = order::Entity::find()
        .filter(order::Column::Id.not_between(1, 2).and(order::Column::TenantId.eq(tenant)))
        .all(db)
        .await;
    let _ = order::Entity::find()
        .filter(order::Column::Status.like("a%"))
        .filter(order::Column::TenantId.eq(tenant))
        .all(db)
        .await;
    let _ = order::Entity::find()
        .filter(order::Column::Status.starts_with("a"))
        .filter(order::Column::Status.contains("b"))
        .filter(order::Column::Status.ends_with("c"))
        .filter(order::Column::TenantId.eq(tenant))
        .all(db)
        .await;
    let _ = order::Entity::find()
        .filter(Expr::col(order::Column::TenantId).eq(Expr::col(order::Column::CustomerId)))
        .all(db)
        .await;
}

async fn conditions(db: &DatabaseConnection, tenant: i64, name: Option<String>) {
    let _ = order::Entity::find()
        .filter(Condition::all().add(order::Column::TenantId.eq(tenant)).add(order::Column::Id.eq(1)))
        .all(db)
        .await;
    let _ = order::Entity::find()
        .filter(Condition::any().add(order::Column::TenantId.eq(tenant)).add(order::Column::Id.eq(1)))
        .all(db)
        .await;
    let _ = order::Entity::find()
        .filter(Condition::any().add(order::Column::Status.eq("a")).add(order::Column::Status.eq("b")))
        .filter(order::Column::TenantId.eq(tenant))
        .all(db)
        .await;
    let _ = order::Entity::find()
        .filter(Condition::all().add(order::Column::TenantId.eq(tenant)).not())
        .all(db)
        .await;
    let _ = order::Entity::find()
        .filter(Condition::any().add(order::Column::TenantId.ne(tenant)).not())
        .all(db)
        .await;
    let _ = order::Entity::find()
        .filter(
            Cond::all().add(order::Column::TenantId.eq(tenant)).add(
                Cond::any()
                    .add(order::Column::Id.eq(1))
                    .add(Cond::all().add(order::Column::Id.gt(5)).add(order::Column::Id.lt(9))),
            ),
        )
        .all(db)
        .await;
    let _ = order::Entity::find()
        .filter(Condition::all().add_option(Some(order::Column::TenantId.eq(tenant))))
        .all(db)
        .await;
    let _ = order::Entity::find()
        .filter(Condition::any().add(Condition::all().add(order::Column::TenantId.eq(tenant))))
        .all(db)
        .await;
    let by_tenant = order::Column::TenantId.eq(tenant).into_condition();
    let _ = order::Entity::find().filter(by_tenant).all(db).await;
    let mut condition = Condition::all().add(order::Column::Id.gt(0));
    condition = condition.add(order::Column::TenantId.eq(tenant));
    let _ = order::Entity::find().filter(condition.clone()).all(db).await;
    let _ = name;
}

async fn by_key(db: &DatabaseConnection, tenant: i64, id: i64) {
    let _ = order::Entity::find_by_id(id).one(db).await;
    let _ = order::Entity::find_by_id(1).filter(order::Column::TenantId.eq(tenant)).one(db).await;
    let _ = line::Entity::find_by_id((id, 2)).all(db).await;
    let _ = order::Entity::delete_by_id(id).exec(db).await;
    let _ = order::Entity::delete_by_id(id).filter(order::Column::TenantId.eq(tenant)).exec(db).await;
    let _ = <order::Entity as EntityTrait>::find_by_id(id).one(db).await;
}

async fn related(db: &DatabaseConnection, tenant: i64) {
    let _ = order::Entity::find()
        .find_also_related(customer::Entity)
        .filter(order::Column::TenantId.eq(tenant))
        .all(db)
        .await;
    let _ = order::Entity::find()
        .find_also_related(customer::Entity)
        .filter(order::Column::TenantId.eq(tenant))
        .filter(customer::Column::TenantId.eq(tenant))
        .one(db)
        .await;
    let _ = customer::Entity::find()
        .find_with_related(order::Entity)
        .filter(customer::Column::TenantId.eq(tenant))
        .all(db)
        .await;
    let _ = order::Entity::find()
        .find_with_related(line::Entity)
        .filter(order::Column::TenantId.eq(tenant))
        .all(db)
        .await;
    let _ = line::Entity::find()
        .find_also_related(order::Entity)
        .filter(order::Column::TenantId.eq(tenant))
        .all(db)
        .await;
    let _ = line::Entity::find().find_also_related(customer::Entity).all(db).await;
    let _ = line::Entity::find().find_also_linked(LineToCustomer).all(db).await;
    let _ = line::Entity::find()
        .find_with_linked(LineToCustomer)
        .filter(line::Column::OrderId.eq(1))
        .all(db)
        .await;
    let _ = order::Entity::find()
        .inner_join(customer::Entity)
        .filter(customer::Column::TenantId.eq(tenant))
        .filter(order::Column::TenantId.eq(tenant))
        .all(db)
        .await;
    let _ = order::Entity::find()
        .left_join(line::Entity)
        .filter(order::Column::TenantId.eq(tenant))
        .all(db)
        .await;
    let _ = customer::Entity::find()
        .reverse_join(order::Entity)
        .filter(customer::Column::TenantId.eq(tenant))
        .all(db)
        .await;
    let _ = order::Entity::find()
        .join(JoinType::InnerJoin, order::Relation::Customer.def())
        .filter(customer::Column::TenantId.eq(tenant))
        .all(db)
        .await;
    let _ = order::Entity::find()
        .join(JoinType::LeftJoin, order::Relation::Lines.def())
        .join(JoinType::LeftJoin, order::Relation::Customer.def())
        .filter(order::Column::TenantId.eq(tenant))
        .all(db)
        .await;
    let _ = order::Entity::find()
        .join_rev(JoinType::InnerJoin, line::Relation::Order.def())
        .filter(order::Column::TenantId.eq(tenant))
        .all(db)
        .await;
    let _ = customer::Entity::find()
        .join_as(JoinType::LeftJoin, customer::Relation::Parent.def(), Alias::new("parent"))
        .filter(customer::Column::TenantId.eq(tenant))
        .all(db)
        .await;
    let _ = customer::Entity::find()
        .join_as(JoinType::InnerJoin, customer::Relation::Parent.def(), Alias::new("parent"))
        .filter(Expr::col((Alias::new("parent"), customer::Column::TenantId)).eq(tenant))
        .filter(customer::Column::TenantId.eq(tenant))
        .all(db)
        .await;
    let _ = order::Entity::find()
        .join(JoinType::RightJoin, order::Relation::Customer.def())
        .filter(order::Column::TenantId.eq(tenant))
        .all(db)
        .await;
    let _ = order::Entity::find()
        .inner_join(customer::Entity)
        .select_also(customer::Entity)
        .filter(order::Column::TenantId.eq(tenant))
        .all(db)
        .await;
}

async fn of_a_model(db: &DatabaseConnection, tenant: i64, order: order::Model, orders: Vec<order::Model>) {
    let _ = order.find_related(customer::Entity).filter(customer::Column::TenantId.eq(tenant)).all(db).await;
    let _ = order.find_related(line::Entity).all(db).await;
    let _ = order.clone().delete(db).await;
    let _ = tenant;
    let _ = orders;
}

async fn selects(db: &DatabaseConnection, tenant: i64) {
    let _ = order::Entity::find()
        .select_only()
        .column(order::Column::Id)
        .filter(order::Column::TenantId.eq(tenant))
        .into_tuple::<i64>()
        .all(db)
        .await;
    let _ = order::Entity::find()
        .select_only()
        .columns([order::Column::Id, order::Column::Status])
        .filter(order::Column::TenantId.eq(tenant))
        .into_tuple::<(i64, String)>()
        .all(db)
        .await;
    let _ = order::Entity::find()
        .select_only()
        .column_as(order::Column::Id.count(), "n")
        .filter(order::Column::TenantId.eq(tenant))
        .into_tuple::<i64>()
        .one(db)
        .await;
    let _ = order::Entity::find()
        .select_only()
        .column(order::Column::Status)
        .column_as(order::Column::Total.sum(), "sum")
        .group_by(order::Column::Status)
        .having(order::Column::Total.sum().gt(10))
        .filter(order::Column::TenantId.eq(tenant))
        .into_tuple::<(String, i64)>()
        .all(db)
        .await;
    let _ = order::Entity::find()
        .select_only()
        .expr_as(Func::lower(Expr::col(order::Column::Status)), "low")
        .expr(Expr::col(order::Column::Id).max())
        .group_by(Expr::col(order::Column::Status))
        .into_tuple::<(String, i64)>()
        .all(db)
        .await;
    let _ = order::Entity::find().distinct().filter(order::Column::TenantId.eq(tenant)).all(db).await;
    let _ = order::Entity::find()
        .distinct_on([order::Column::Status])
        .order_by_asc(order::Column::Status)
        .filter(order::Column::TenantId.eq(tenant))
        .all(db)
        .await;
    let _ = order::Entity::find()
        .order_by_desc(order::Column::Id)
        .order_by(order::Column::Status, Order::Asc)
        .limit(10)
        .offset(20)
        .all(db)
        .await;
    let _ = order::Entity::find()
        .order_by_with_nulls(order::Column::Total, Order::Desc, NullOrdering::Last)
        .limit(10)
        .filter(order::Column::TenantId.eq(tenant))
        .all(db)
        .await;
    let _ = order::Entity::find().filter(order::Column::TenantId.eq(tenant)).lock_exclusive().one(db).await;
    let _ =
        order::Entity::find().filter(order::Column::TenantId.eq(tenant)).lock(LockType::Share).one(db).await;
    let _ = order::Entity::find().filter(order::Column::TenantId.eq(tenant)).count(db).await;
    let _ = order::Entity::find().count(db).await;
    let _ =
        order::Entity::find().filter(order::Column::TenantId.eq(tenant)).paginate(db, 50).fetch_page(2).await;
    let _ = order::Entity::find().paginate(db, 50).num_items().await;
    let _ = order::Entity::find()
        .filter(order::Column::TenantId.eq(tenant))
        .cursor_by(order::Column::Id)
        .after(5)
        .first(10)
        .all(db)
        .await;
    let _ = order::Entity::find().cursor_by(order::Column::Id).before(5).first(10).all(db).await;
}

async fn expressions(db: &DatabaseConnection, tenant: i64) {
    let _ = order::Entity::find()
        .filter(Expr::cust("tenant_id = 1 OR id = 2"))
        .filter(order::Column::TenantId.eq(tenant))
        .all(db)
        .await;
    let _ = order::Entity::find().filter(Expr::cust_with_values("tenant_id = $1", [tenant])).all(db).await;
    let _ = order::Entity::find()
        .filter(Expr::cust_with_expr("LOWER($1) = 'x'", Expr::col(order::Column::Status)))
        .all(db)
        .await;
    let _ = order::Entity::find()
        .filter(Expr::col((order::Entity, order::Column::TenantId)).eq(tenant))
        .all(db)
        .await;
    let _ =
        order::Entity::find().filter(Expr::val(tenant).eq(Expr::col(order::Column::TenantId))).all(db).await;
    let _ = order::Entity::find()
        .filter(Expr::col(order::Column::TenantId).eq(Expr::value(tenant)))
        .all(db)
        .await;
    let condition: SimpleExpr = order::Column::TenantId.eq(tenant);
    let _ = order::Entity::find().filter(condition).all(db).await;
    let _ = order::Entity::find()
        .filter(Expr::col(order::Column::Total).add(1).gt(5).and(order::Column::TenantId.eq(tenant)))
        .all(db)
        .await;
    let _ = order::Entity::find()
        .filter(Func::coalesce([Expr::col(order::Column::Total).into(), Expr::val(0).into()]).eq(0))
        .filter(order::Column::TenantId.eq(tenant))
        .all(db)
        .await;
    let _ = order::Entity::find()
        .filter(order::Column::TenantId.eq(tenant))
        .filter(Expr::expr(Func::upper(Expr::col(order::Column::Status))).eq("X"))
        .all(db)
        .await;
    let _ = order::Entity::find()
        .filter(
            order::Column::CustomerId.in_subquery(
                Query::select()
                    .column(customer::Column::Id)
                    .from(customer::Entity)
                    .and_where(customer::Column::TenantId.eq(tenant))
                    .to_owned(),
            ),
        )
        .filter(order::Column::TenantId.eq(tenant))
        .all(db)
        .await;
    let _ = order::Entity::find()
        .filter(Expr::exists(
            Query::select()
                .expr(Expr::val(1))
                .from(line::Entity)
                .and_where(
                    Expr::col((line::Entity, line::Column::OrderId))
                        .equals((order::Entity, order::Column::Id)),
                )
                .to_owned(),
        ))
        .filter(order::Column::TenantId.eq(tenant))
        .all(db)
        .await;
    let _ =
        order::Entity::find()
            .filter(order::Column::CustomerId.in_subquery(
                customer::Entity::find().select_only().column(customer::Column::Id).into_query(),
            ))
            .filter(order::Column::TenantId.eq(tenant))
            .all(db)
            .await;
    let _ = order::Entity::find()
        .select_only()
        .expr_as(CaseStatement::new().case(order::Column::Total.gt(10), 1).finally(0), "big")
        .filter(order::Column::TenantId.eq(tenant))
        .into_tuple::<i32>()
        .all(db)
        .await;
}

async fn rows(db: &DatabaseConnection, tenant: i64, id: i64) {
    let _ = order::ActiveModel {
        tenant_id: Set(tenant),
        status: Set("new".to_owned()),
        customer_id: Set(1),
        ..Default::default()
    }
    .insert(db)
    .await;
    let _ = order::ActiveModel {
        id: Set(id),
        tenant_id: Set(tenant),
        status: Set("x".to_owned()),
        customer_id: Set(2),
        total: NotSet,
    }
    .insert(db)
    .await;
    let _ = order::ActiveModel { id: Unchanged(id), status: Set("paid".to_owned()), ..Default::default() }
        .update(db)
        .await;
    let _ =
        order::ActiveModel { id: ActiveValue::unchanged(id), tenant_id: Set(tenant), ..Default::default() }
            .update(db)
            .await;
    let _ = order::ActiveModel { status: Set("x".to_owned()), tenant_id: Set(tenant), ..Default::default() }
        .save(db)
        .await;
    let _ = order::ActiveModel { id: Unchanged(id), status: Set("x".to_owned()), ..Default::default() }
        .save(db)
        .await;
    let _ = order::ActiveModel { id: Set(id), ..Default::default() }.delete(db).await;
    let _ = order::Entity::delete(order::ActiveModel { id: Set(id), ..Default::default() }).exec(db).await;
    let _ = order::Entity::insert(order::ActiveModel {
        tenant_id: Set(tenant),
        status: Set("n".to_owned()),
        customer_id: Set(4),
        ..Default::default()
    })
    .exec_without_returning(db)
    .await;
    let mut order = order::ActiveModel { id: Unchanged(id), ..Default::default() };
    order.status = Set("sent".to_owned());
    let _ = order.update(db).await;
    let mut line = <line::ActiveModel as ActiveModelTrait>::default();
    line.order_id = Set(id);
    line.line = Set(1);
    line.article = Set("a".to_owned());
    let _ = line.insert(db).await;
}

async fn many(db: &DatabaseConnection, tenant: i64, id: i64) {
    let _ = order::Entity::update_many()
        .col_expr(order::Column::Status, Expr::value("x"))
        .filter(order::Column::TenantId.eq(tenant))
        .exec(db)
        .await;
    let _ = order::Entity::update_many()
        .col_expr(order::Column::Total, Expr::col(order::Column::Total).add(1))
        .filter(order::Column::Id.eq(id))
        .exec(db)
        .await;
    let _ = order::Entity::update_many()
        .set(order::ActiveModel { status: Set("x".to_owned()), ..Default::default() })
        .filter(order::Column::TenantId.eq(tenant))
        .exec(db)
        .await;
    let _ =
        order::Entity::update_many().col_expr(order::Column::TenantId, Expr::value(tenant)).exec(db).await;
    let _ = order::Entity::update(order::ActiveModel {
        id: Unchanged(id),
        status: Set("x".to_owned()),
        ..Default::default()
    })
    .filter(order::Column::TenantId.eq(tenant))
    .exec(db)
    .await;
    let _ = order::Entity::delete_many().filter(order::Column::TenantId.eq(tenant)).exec(db).await;
    let _ = order::Entity::delete_many()
        .filter(Condition::any().add(order::Column::TenantId.eq(tenant)).add(order::Column::Id.eq(id)))
        .exec(db)
        .await;
    let _ = order::Entity::delete_many().exec(db).await;
    let _ = order::Entity::insert_many([
        order::ActiveModel {
            tenant_id: Set(tenant),
            status: Set("a".to_owned()),
            customer_id: Set(1),
            ..Default::default()
        },
        order::ActiveModel {
            tenant_id: Set(tenant),
            status: Set("b".to_owned()),
            customer_id: Set(2),
            ..Default::default()
        },
    ])
    .exec_without_returning(db)
    .await;
    let _ = order::Entity::insert_many(vec![order::ActiveModel {
        tenant_id: Set(tenant),
        status: Set("a".to_owned()),
        customer_id: Set(1),
        ..Default::default()
    }])
    .on_conflict(
        OnConflict::columns([order::Column::TenantId, order::Column::Status])
            .update_column(order::Column::CustomerId)
            .to_owned(),
    )
    .exec_without_returning(db)
    .await;
    let _ = order::Entity::insert(order::ActiveModel {
        id: Set(id),
        tenant_id: Set(tenant),
        status: Set("a".to_owned()),
        customer_id: Set(1),
        ..Default::default()
    })
    .on_conflict(
        OnConflict::column(order::Column::Id)
            .update_columns([order::Column::Status, order::Column::CustomerId])
            .to_owned(),
    )
    .exec_without_returning(db)
    .await;
    let _ = order::Entity::insert(order::ActiveModel {
        id: Set(id),
        tenant_id: Set(tenant),
        status: Set("a".to_owned()),
        customer_id: Set(1),
        ..Default::default()
    })
    .on_conflict(OnConflict::column(order::Column::Id).do_nothing().to_owned())
    .exec_without_returning(db)
    .await;
    let _ = order::Entity::insert(order::ActiveModel {
        id: Set(id),
        tenant_id: Set(tenant),
        status: Set("a".to_owned()),
        customer_id: Set(1),
        ..Default::default()
    })
    .on_conflict(
        OnConflict::column(order::Column::Id)
            .value(order::Column::Status, "again")
            .action_and_where(order::Column::TenantId.eq(tenant))
            .to_owned(),
    )
    .exec_without_returning(db)
    .await;
}

fn statements(texts: &mut Vec<String>, tenant: i64, id: i64) {
    texts.push(
        Query::select()
            .column(Orders::Id)
            .from(Orders::Table)
            .and_where(Expr::col(Orders::TenantId).eq(tenant))
            .build(PostgresQueryBuilder)
            .0,
    );
    texts.push(
        Query::select()
            .columns([Orders::Id, Orders::Status])
            .from(Orders::Table)
            .build(PostgresQueryBuilder)
            .0,
    );
    texts.push(
        Query::select()
            .column(Asterisk)
            .from(Orders::Table)
            .cond_where(
                Cond::any().add(Expr::col(Orders::TenantId).eq(tenant)).add(Expr::col(Orders::Id).eq(id)),
            )
            .build(PostgresQueryBuilder)
            .0,
    );
    texts.push(
        Query::select()
            .column((Orders::Table, Orders::Id))
            .from(Orders::Table)
            .inner_join(
                customer::Entity,
                Expr::col((customer::Entity, customer::Column::Id))
                    .equals((Orders::Table, Orders::CustomerId)),
            )
            .and_where(Expr::col((Orders::Table, Orders::TenantId)).eq(tenant))
            .order_by((Orders::Table, Orders::Id), Order::Desc)
            .limit(5)
            .build(PostgresQueryBuilder)
            .0,
    );
    texts.push(
        Query::select()
            .column((Alias::new("o"), Orders::Id))
            .from_as(Orders::Table, Alias::new("o"))
            .join_as(
                JoinType::LeftJoin,
                customer::Entity,
                Alias::new("c"),
                Expr::col((Alias::new("c"), customer::Column::Id))
                    .equals((Alias::new("o"), Orders::CustomerId)),
            )
            .and_where(Expr::col((Alias::new("o"), Orders::TenantId)).eq(tenant))
            .build(PostgresQueryBuilder)
            .0,
    );
    texts.push(
        Query::select()
            .column((Alias::new("s"), Orders::Id))
            .from_subquery(
                Query::select()
                    .column(Orders::Id)
                    .from(Orders::Table)
                    .and_where(Expr::col(Orders::TenantId).eq(tenant))
                    .take(),
                Alias::new("s"),
            )
            .build(PostgresQueryBuilder)
            .0,
    );
    texts.push(
        Query::select()
            .column(Orders::Id)
            .from(Orders::Table)
            .and_where(Expr::col(Orders::TenantId).eq(tenant))
            .union(
                UnionType::All,
                Query::select()
                    .column(Orders::Id)
                    .from(Orders::Table)
                    .and_where(Expr::col(Orders::Id).eq(id))
                    .to_owned(),
            )
            .build(PostgresQueryBuilder)
            .0,
    );
    texts.push(
        Query::select()
            .column(Orders::Status)
            .expr_as(Func::count(Expr::col(Orders::Id)), Alias::new("n"))
            .from(Orders::Table)
            .group_by_col(Orders::Status)
            .and_having(Expr::col(Orders::Id).count().gt(1))
            .and_where(Expr::col(Orders::TenantId).eq(tenant))
            .build(PostgresQueryBuilder)
            .0,
    );
    let mut query = Query::select();
    query.column(Orders::Id).from(Orders::Table);
    query.and_where(Expr::col(Orders::TenantId).eq(tenant));
    texts.push(query.build(PostgresQueryBuilder).0);
    texts.push(
        Query::insert()
            .into_table(Orders::Table)
            .columns([Orders::Id, Orders::TenantId, Orders::Status, Orders::CustomerId])
            .values_panic([id.into(), tenant.into(), "x".into(), 1.into()])
            .build(PostgresQueryBuilder)
            .0,
    );
    texts.push(
        Query::insert()
            .into_table(Orders::Table)
            .columns([Orders::Id, Orders::TenantId])
            .values_panic([1.into(), tenant.into()])
            .values_panic([2.into(), tenant.into()])
            .on_conflict(OnConflict::column(Orders::Id).update_column(Orders::TenantId).to_owned())
            .returning_col(Orders::Id)
            .build(PostgresQueryBuilder)
            .0,
    );
    texts.push(
        Query::update()
            .table(Orders::Table)
            .value(Orders::Status, "x")
            .and_where(Expr::col(Orders::TenantId).eq(tenant))
            .and_where(Expr::col(Orders::Id).eq(id))
            .build(PostgresQueryBuilder)
            .0,
    );
    texts.push(
        Query::update()
            .table(Orders::Table)
            .values([(Orders::Status, "x".into()), (Orders::CustomerId, 3.into())])
            .build(PostgresQueryBuilder)
            .0,
    );
    texts.push(
        Query::delete()
            .from_table(Orders::Table)
            .and_where(Expr::col(Orders::TenantId).eq(tenant))
            .build(PostgresQueryBuilder)
            .0,
    );
    texts.push(
        Query::delete()
            .from_table(Orders::Table)
            .cond_where(Cond::all().add(Expr::col(Orders::Id).eq(id)))
            .returning_all()
            .build(PostgresQueryBuilder)
            .0,
    );
}

async fn compositions(db: &DatabaseConnection, tenant: i64, id: i64) {
    let by_tenant = order::Entity::find().filter(order::Column::TenantId.eq(tenant));
    let _ = by_tenant.clone().filter(order::Column::Id.eq(id)).one(db).await;
    let _ = by_tenant.clone().order_by_asc(order::Column::Id).limit(3).all(db).await;
    let _ = by_tenant
        .inner_join(customer::Entity)
        .select_only()
        .column(customer::Column::Name)
        .into_tuple::<String>()
        .all(db)
        .await;
    let _ = narrowed(order::Entity::find(), tenant).all(db).await;
    let _ = order::Entity::find().of_tenant(tenant).all(db).await;
    let _ = order::Entity::find().filter(of_tenant_or_open(tenant)).all(db).await;
    let _ = order::Entity::find()
        .apply_if(Some(tenant), |query, tenant| query.filter(order::Column::TenantId.eq(tenant)))
        .all(db)
        .await;
    let order = order::Model { id, tenant_id: tenant, status: String::new(), customer_id: 1, total: None };
    let mut changed = order.clone().into_active_model();
    changed.status = Set("x".to_owned());
    let _ = changed.update(db).await;
    let _ = order::Entity::delete(order.into_active_model()).exec(db).await;
    let _ = customer::Entity::find()
        .join(JoinType::LeftJoin, customer::Relation::Orders.def())
        .join(JoinType::LeftJoin, order::Relation::Lines.def())
        .filter(
            Condition::all()
                .add(customer::Column::TenantId.eq(tenant))
                .add(order::Column::TenantId.eq(tenant)),
        )
        .group_by(customer::Column::Id)
        .all(db)
        .await;
    let _ = customer::Entity::find()
        .filter(customer::Column::ParentId.is_not_null())
        .filter(customer::Column::TenantId.eq(tenant))
        .count(db)
        .await;
    let _ = order::Entity::find()
        .filter(order::Column::TenantId.eq(tenant))
        .filter(
            Condition::any()
                .add(
                    order::Column::CustomerId.in_subquery(
                        Query::select()
                            .column(customer::Column::Id)
                            .from(customer::Entity)
                            .and_where(customer::Column::Name.eq("a"))
                            .to_owned(),
                    ),
                )
                .add(Expr::col(order::Column::Total).is_null()),
        )
        .all(db)
        .await;
    let _ = order::Entity::find()
        .select_only()
        .column_as(Expr::col(order::Column::Total).sum(), "sum")
        .column_as(order::Column::Id.max(), "last")
        .filter(order::Column::TenantId.eq(tenant))
        .having(Expr::col(order::Column::Id).count().gte(2))
        .group_by(order::Column::CustomerId)
        .order_by_desc(order::Column::CustomerId)
        .into_tuple::<(i64, i64)>()
        .all(db)
        .await;
    let _ = order::Entity::find()
        .join(JoinType::InnerJoin, order::Relation::Customer.def())
        .join_as(JoinType::LeftJoin, customer::Relation::Parent.def(), Alias::new("head"))
        .filter(order::Column::TenantId.eq(tenant))
        .filter(Expr::col((Alias::new("head"), customer::Column::TenantId)).eq(tenant))
        .all(db)
        .await;
    let _ = order::Entity::find()
        .filter(order::Column::TenantId.eq(tenant))
        .filter(order::Column::TenantId.eq(2))
        .all(db)
        .await;
    let _ = order::Entity::find()
        .filter(
            Condition::all()
                .add(Condition::any().add(order::Column::TenantId.eq(tenant)))
                .add(Condition::all()),
        )
        .all(db)
        .await;
    let _ = order::Entity::update_many()
        .col_expr(
            order::Column::CustomerId,
            SimpleExpr::SubQuery(
                None,
                Box::new(
                    Query::select()
                        .column(customer::Column::Id)
                        .from(customer::Entity)
                        .to_owned()
                        .into_sub_query_statement(),
                ),
            ),
        )
        .filter(order::Column::TenantId.eq(tenant))
        .exec(db)
        .await;
    let _ = line::Entity::delete_many()
        .filter(
            line::Column::OrderId.in_subquery(
                Query::select()
                    .column(order::Column::Id)
                    .from(order::Entity)
                    .and_where(order::Column::TenantId.eq(tenant))
                    .to_owned(),
            ),
        )
        .exec(db)
        .await;
    let _ = line::Entity::update_many()
        .col_expr(line::Column::Article, Expr::value("a"))
        .filter(Expr::exists(
            Query::select()
                .column(order::Column::Id)
                .from(order::Entity)
                .and_where(
                    Expr::col((order::Entity, order::Column::Id))
                        .equals((line::Entity, line::Column::OrderId)),
                )
                .and_where(Expr::col((order::Entity, order::Column::TenantId)).eq(tenant))
                .to_owned(),
        ))
        .exec(db)
        .await;
}

async fn conditional_joins(db: &DatabaseConnection, tenant: i64) {
    let _ = order::Entity::find()
        .join(
            JoinType::LeftJoin,
            order::Relation::Customer.def().on_condition(move |_left, right| {
                Expr::col((right, customer::Column::TenantId)).eq(tenant).into_condition()
            }),
        )
        .filter(order::Column::TenantId.eq(tenant))
        .all(db)
        .await;
    let _ = order::Entity::find()
        .join_as(
            JoinType::InnerJoin,
            order::Relation::Customer.def().on_condition(|left, right| {
                Expr::col((left, order::Column::TenantId))
                    .equals((right, customer::Column::TenantId))
                    .into_condition()
            }),
            Alias::new("c"),
        )
        .filter(order::Column::TenantId.eq(tenant))
        .all(db)
        .await;
    let _ = customer::Entity::find()
        .join_rev(
            JoinType::InnerJoin,
            order::Relation::Customer.def().on_condition(|left, right| {
                Condition::any()
                    .add(Expr::col((left, customer::Column::Id)).gt(1))
                    .add(Expr::col((right, order::Column::Id)).gt(2))
            }),
        )
        .filter(customer::Column::TenantId.eq(tenant))
        .all(db)
        .await;
    let _ = customer::Entity::find()
        .join(
            JoinType::InnerJoin,
            order::Relation::Customer
                .def()
                .on_condition(|left, _right| Expr::col((left, customer::Column::Id)).gt(1).into_condition())
                .rev(),
        )
        .filter(customer::Column::TenantId.eq(tenant))
        .all(db)
        .await;
}

fn narrowed(query: sea_orm::Select<order::Entity>, tenant: i64) -> sea_orm::Select<order::Entity> {
    query.filter(order::Column::TenantId.eq(tenant)).order_by_asc(order::Column::Id)
}

fn of_tenant_or_open(tenant: i64) -> Condition {
    Condition::any().add(order::Column::TenantId.eq(tenant)).add(order::Column::Status.eq("open"))
}

trait OfTenant: QueryFilter + Sized {
    fn of_tenant(self, tenant: i64) -> Self {
        self.filter(order::Column::TenantId.eq(tenant))
    }
}

impl OfTenant for sea_orm::Select<order::Entity> {}

fn more_of_sea_query(texts: &mut Vec<String>, tenant: i64, id: i64) {
    texts.push(
        Query::select()
            .expr(Func::max(Expr::col(Orders::Id)))
            .from(Orders::Table)
            .and_where(Expr::col(Orders::TenantId).is_in([tenant]))
            .build(PostgresQueryBuilder)
            .0,
    );
    texts.push(
        Query::select()
            .distinct()
            .column(Orders::Status)
            .from(Orders::Table)
            .and_where(Expr::col(Orders::TenantId).eq(tenant))
            .build(PostgresQueryBuilder)
            .0,
    );
    texts.push(
        Query::select()
            .column((Orders::Table, Asterisk))
            .from(Orders::Table)
            .left_join(
                Alias::new("items"),
                Expr::col((Alias::new("items"), Alias::new("order_id"))).equals((Orders::Table, Orders::Id)),
            )
            .cond_where(
                Cond::all()
                    .add(Expr::col((Orders::Table, Orders::TenantId)).eq(tenant))
                    .add(Expr::col((Orders::Table, Orders::Id)).gt(id)),
            )
            .build(PostgresQueryBuilder)
            .0,
    );
    texts.push(
        Query::select()
            .column(Orders::Id)
            .from(Orders::Table)
            .and_where(Expr::col(Orders::TenantId).eq(tenant).or(Expr::col(Orders::Id).eq(id)))
            .and_where(Expr::col(Orders::Status).ne("x").not())
            .lock_exclusive()
            .build(PostgresQueryBuilder)
            .0,
    );
    texts.push(
        Query::select()
            .column(Orders::Id)
            .from(Orders::Table)
            .and_where(
                Expr::tuple([Expr::col(Orders::TenantId).into(), Expr::col(Orders::Id).into()])
                    .eq(Expr::tuple([tenant.into(), id.into()])),
            )
            .build(PostgresQueryBuilder)
            .0,
    );
    texts.push(
        Query::insert()
            .into_table(Orders::Table)
            .columns([Orders::Id, Orders::TenantId])
            .select_from(
                Query::select()
                    .columns([Orders::Id, Orders::TenantId])
                    .from(Orders::Table)
                    .and_where(Expr::col(Orders::TenantId).eq(tenant))
                    .to_owned(),
            )
            .unwrap()
            .build(PostgresQueryBuilder)
            .0,
    );
    texts.push(
        Query::insert()
            .into_table(Orders::Table)
            .columns([Orders::Id, Orders::TenantId])
            .values([id.into(), tenant.into()])
            .unwrap()
            .on_conflict(OnConflict::columns([Orders::TenantId, Orders::Status]).do_nothing().to_owned())
            .build(PostgresQueryBuilder)
            .0,
    );
    texts.push(
        Query::update()
            .table(Orders::Table)
            .value(Orders::CustomerId, Expr::col(Orders::CustomerId).add(1))
            .cond_where(
                Cond::any()
                    .add(Expr::col(Orders::TenantId).eq(tenant))
                    .add(Expr::col(Orders::TenantId).is_null()),
            )
            .build(PostgresQueryBuilder)
            .0,
    );
    texts.push(
        Query::delete()
            .from_table(Orders::Table)
            .and_where(
                Expr::col(Orders::CustomerId).in_subquery(
                    Query::select()
                        .column(customer::Column::Id)
                        .from(customer::Entity)
                        .and_where(Expr::col(customer::Column::TenantId).eq(tenant))
                        .take(),
                ),
            )
            .build(PostgresQueryBuilder)
            .0,
    );
    texts.push(
        Query::select()
            .expr(Expr::case(Expr::col(Orders::TenantId).eq(tenant), 1).finally(0))
            .from(Orders::Table)
            .build(PostgresQueryBuilder)
            .0,
    );
    let mut query = Query::select();
    query.column(Orders::Id).from(Orders::Table).and_where(Expr::col(Orders::TenantId).eq(tenant));
    let taken = query.take();
    query.column(Orders::Id).from(Orders::Table);
    texts.push(query.build(PostgresQueryBuilder).0);
    texts.push(taken.build(PostgresQueryBuilder).0);
}

/// Renders all of them.
pub fn all(texts: &mut Texts) {
    let order = order::Model { id: 1, tenant_id: 1, status: String::new(), customer_id: 1, total: None };
    run(texts, "comparisons", async |db| comparisons(db, 1).await);
    run(texts, "conditions", async |db| conditions(db, 1, None).await);
    run(texts, "by_key", async |db| by_key(db, 1, 1).await);
    run(texts, "related", async |db| related(db, 1).await);
    run(texts, "of_a_model", async |db| of_a_model(db, 1, order.clone(), vec![order.clone()]).await);
    run(texts, "selects", async |db| selects(db, 1).await);
    run(texts, "expressions", async |db| expressions(db, 1).await);
    run(texts, "rows", async |db| rows(db, 1, 1).await);
    run(texts, "many", async |db| many(db, 1, 1).await);
    run(texts, "compositions", async |db| compositions(db, 1, 1).await);
    run(texts, "conditional_joins", async |db| conditional_joins(db, 1).await);
    more_of_sea_query(texts.entry("more_of_sea_query").or_default(), 1, 1);
    statements(texts.entry("statements").or_default(), 1, 1);
}
