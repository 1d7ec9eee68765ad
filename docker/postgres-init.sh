#!/bin/sh
# One database and one user each for Airflow, Superset and the ledger. Runs once, when the volume is new. User, password
# and database come from the addresses in the secrets: postgresql…://USER:PASSWORD@HOST/DATABASE.
set -eu

for secret in wangting_airflow_database_url wangting_superset_db wangting_ledger_url; do
    url=$(cat "${WANGTING_SECRETS_DIR:-/run/secrets}/$secret")
    name=$(printf '%s' "$url" | sed -E 's#^[^:]+://([^:]+):.*#\1#')
    password=$(printf '%s' "$url" | sed -E 's#^[^:]+://[^:]+:([^@]+)@.*#\1#')
    database=$(printf '%s' "$url" | sed -E 's#.*/([^/?]+)(\?.*)?$#\1#')
    psql --set=ON_ERROR_STOP=1 --quiet --username postgres --dbname postgres \
        --set=name="$name" --set=password="$password" --set=database="$database" <<'SQL'
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"database" OWNER :"name" ENCODING 'UTF8' TEMPLATE template0;
REVOKE CONNECT, TEMPORARY ON DATABASE :"database" FROM PUBLIC;
SQL
done
