"""What do people look at? Dashboards declared in two languages, the Superset assets derived from them, who sees what."""
