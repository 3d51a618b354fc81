-- A database and its owner for each service. The image of PostgreSQL runs this once, as its superuser.
\set auth_graph `cat /run/secrets/auth_graph_password`
\set client_graph `cat /run/secrets/client_graph_password`
CREATE ROLE auth_graph LOGIN PASSWORD :'auth_graph';
CREATE ROLE client_graph LOGIN PASSWORD :'client_graph';
CREATE DATABASE auth_graph OWNER auth_graph;
CREATE DATABASE client_graph OWNER client_graph;
REVOKE CONNECT, TEMPORARY ON DATABASE auth_graph, client_graph FROM PUBLIC;
