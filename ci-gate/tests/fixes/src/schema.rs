diesel::table! {
    orders (id) {
        id -> Uuid,
        tenant_id -> Uuid,
        note -> Nullable<Text>,
        status -> Text,
    }
}
