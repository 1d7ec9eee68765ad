"""What do people look at? Dashboards declared in two languages, and the Superset assets derived from them."""
