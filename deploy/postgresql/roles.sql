-- Roles for auth-graph, run once by a superuser:
--   psql --set password_1=… --set password_2=… --set backup_password=… --file deploy/postgresql/roles.sql
-- The owner of the tables cannot log in. Two roles act as the owner, so that a password is replaced without a pause: give
-- the replicas one after the other the role that is not used, then change the password of the other one.
CREATE ROLE auth_graph_owner NOLOGIN;
CREATE ROLE auth_graph_1 LOGIN PASSWORD :'password_1' IN ROLE auth_graph_owner;
CREATE ROLE auth_graph_2 LOGIN PASSWORD :'password_2' IN ROLE auth_graph_owner;
ALTER ROLE auth_graph_1 SET role = auth_graph_owner;
ALTER ROLE auth_graph_2 SET role = auth_graph_owner;
-- Reads everything, for pg_dump and reports.
CREATE ROLE auth_graph_backup LOGIN PASSWORD :'backup_password' IN ROLE pg_read_all_data;

CREATE DATABASE auth_graph OWNER auth_graph_owner;
REVOKE CONNECT, TEMPORARY ON DATABASE auth_graph FROM PUBLIC;
GRANT CONNECT ON DATABASE auth_graph TO auth_graph_1, auth_graph_2, auth_graph_backup;
