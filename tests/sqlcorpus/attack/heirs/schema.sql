CREATE TABLE tenants (id int PRIMARY KEY);
CREATE TABLE invoices (id int PRIMARY KEY, tenant_id int NOT NULL REFERENCES tenants (id), title text);
CREATE TABLE invoices_old () INHERITS (invoices);
CREATE TABLE events (id int PRIMARY KEY, tenant_id int NOT NULL REFERENCES tenants (id), invoice_id int NOT NULL REFERENCES invoices (id));
