-- What looks like a premise of a proof and is none: keys that not all rows obey, and actions that reach further than they seem.
create table tenants(id bigint primary key, slug text not null unique);
create table users(id bigint primary key, tenant_id bigint not null references tenants(id), name text, unique(tenant_id, id));

-- An inheriting table has not the foreign keys of the table that it inherits from.
create table tasks(id bigint primary key, tenant_id bigint not null references tenants(id), user_id bigint not null, title text,
  foreign key(tenant_id, user_id) references users(tenant_id, id));
create table old_tasks() inherits (tasks);

-- Rows written while its triggers were off were never compared with the users.
create table entries(id bigint primary key, tenant_id bigint not null references tenants(id), user_id bigint not null,
  foreign key(tenant_id, user_id) references users(tenant_id, id));
alter table entries disable trigger all;
alter table entries enable trigger all;

-- A deletion reaches what references a part of the table.
create table posts(id bigint primary key, tenant_id bigint not null references tenants(id));
create table old_posts(primary key(id)) inherits (posts);
create table likes(id bigint primary key, tenant_id bigint not null references tenants(id),
  post_id bigint references old_posts(id) on delete cascade);
create table logs(id bigint not null, tenant_id bigint not null references tenants(id), primary key(id, tenant_id)) partition by list(tenant_id);
create table logs_rest partition of logs default;
alter table logs_rest add unique(id);
create table marks(id bigint primary key, tenant_id bigint not null references tenants(id), log_id bigint references logs_rest(id) on delete cascade);

-- SET NULL writes a column that others follow.
create table boards(id bigint primary key, tenant_id bigint not null references tenants(id), unique(tenant_id, id));
create table cards(id bigint primary key, tenant_id bigint not null references tenants(id), board_id bigint unique,
  foreign key(tenant_id, board_id) references boards(tenant_id, id) on delete set null (board_id));
create table pins(id bigint primary key, tenant_id bigint not null references tenants(id), board_id bigint references cards(board_id) on update cascade);

-- The check of a domain runs whatever it calls.
create function note(t text) returns boolean language plpgsql as $$ begin update users set name = t; return true; end $$;
create domain noted as text check (note(value));
create table remarks(id bigint primary key, tenant_id bigint not null references tenants(id), body noted);
