"""What do people look at? Superset with its dashboards, and who may see which rows."""
