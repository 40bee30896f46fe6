-- Two levels of tenants: an organization has workspaces, and a workspace's tenant may not see its neighbour.
create table orgs(id bigint primary key, name text);
create table workspaces(id bigint primary key, org_id bigint not null references orgs(id), slug text unique not null);
create table a(id bigint primary key, org_id bigint not null references orgs(id), workspace_id bigint not null references workspaces(id), x int);
create table b(id bigint primary key, org_id bigint not null references orgs(id), workspace_id bigint not null references workspaces(id), x int);
create table o(id bigint primary key, org_id bigint not null references orgs(id), x int);
create table w(id bigint primary key, workspace_id bigint not null references workspaces(id), x int);
