create table tenants (id uuid primary key, name text not null);
create table users (id uuid primary key, tenant_id uuid not null references tenants(id), email text not null);
create table orders (
  id uuid primary key,
  tenant_id uuid not null references tenants(id),
  user_id uuid not null references users(id),
  note text,
  status text not null,
  total bigint not null default 0
);
create table lines (
  id uuid primary key,
  order_id uuid not null references orders(id),
  sku text not null,
  amount integer not null
);
