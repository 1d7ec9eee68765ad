"""What stays up? The services of an installation: declared in docker-compose.yml, and started as processes here."""
