"""What runs inside Superset's own environment: configuration, bootstrap, and the wall between users' rows.

Nothing here imports anything of ours from outside this folder: Superset's environment has neither pydantic nor dbt.
"""
