-- The two roles and the database, once, as a superuser:
--   psql -v owner_password=… -v app_password=… -f deploy/roles.sql
-- The owner migrates and is not bound by row-level security; the application owns nothing and is bound by it.
\set ON_ERROR_STOP on
CREATE ROLE cluster_owner LOGIN NOSUPERUSER NOCREATEROLE CREATEDB BYPASSRLS PASSWORD :'owner_password';
CREATE ROLE cluster_app LOGIN NOSUPERUSER NOCREATEROLE NOCREATEDB NOBYPASSRLS PASSWORD :'app_password';
CREATE DATABASE cluster_platform OWNER cluster_owner ENCODING 'UTF8' TEMPLATE template0;
REVOKE ALL ON DATABASE cluster_platform FROM PUBLIC;
-- Temporary tables carry the bulk loads.
GRANT CONNECT, TEMPORARY ON DATABASE cluster_platform TO cluster_app;
