# What people look at: Superset in an environment of its own. Of the house it holds the dashboards and the probe alone.
FROM python:3.11.14-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /opt/wangting
COPY requirements/bootstrap.lock requirements/superset.lock requirements/
RUN python -m venv /opt/venv \
    && /opt/venv/bin/python -m pip install --require-hashes -r requirements/bootstrap.lock \
    && /opt/venv/bin/uv pip install --no-cache --compile-bytecode --python /opt/venv/bin/python \
        --require-hashes -r requirements/superset.lock \
    && /opt/venv/bin/uv pip uninstall --python /opt/venv/bin/python uv pip setuptools

# What it holds of the house comes from the house's own image, and so does what is derived from the declarations.
FROM wangting/pipeline:0.1.0 AS dashboards
RUN ["wangting", "dashboards", "write", "/tmp/assets"]

FROM python:3.11.14-slim-bookworm
ENV PATH=/opt/venv/bin:$PATH \
    HOME=/tmp \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    WANGTING_HOME=/var/lib/wangting
RUN groupadd --gid 10001 wangting \
    && useradd --uid 10001 --gid 10001 --home-dir /tmp --shell /usr/sbin/nologin wangting \
    && install -d -m 0700 -o 10001 -g 10001 /var/lib/wangting /var/lib/wangting/releases /var/lib/wangting/superset
COPY --from=build /opt/venv /opt/venv
COPY --from=dashboards /opt/wangting/dashboards/__init__.py /opt/wangting/dashboards/__init__.py
COPY --from=dashboards /opt/wangting/dashboards/superset /opt/wangting/dashboards/superset
COPY --from=dashboards /opt/wangting/operation/probe.py /opt/wangting/operation/probe.py
COPY --from=dashboards /tmp/assets /opt/wangting/assets
WORKDIR /opt/wangting
USER 10001:10001
CMD ["python", "-c", "import superset"]
