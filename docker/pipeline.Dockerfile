# The house: ingestion, dbt, the gate, the exchange, Airflow, the first page, and the simulated city.
FROM python:3.11.14-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /opt/wangting
COPY requirements/bootstrap.lock requirements/pipeline.lock requirements/
RUN python -m venv /opt/venv \
    && /opt/venv/bin/python -m pip install --require-hashes -r requirements/bootstrap.lock \
    && /opt/venv/bin/uv pip install --no-cache --compile-bytecode --python /opt/venv/bin/python \
        --require-hashes -r requirements/pipeline.lock
COPY . .
RUN /opt/venv/bin/uv pip install --no-cache --python /opt/venv/bin/python --no-deps --no-build-isolation --editable . \
    && /opt/venv/bin/python -m compileall -q wangting ingestion expectations exchange simulator dags operation dashboards \
    && /opt/venv/bin/uv pip uninstall --python /opt/venv/bin/python uv pip setuptools \
    && chmod -R a+rX /opt/wangting

FROM python:3.11.14-slim-bookworm
ENV PATH=/opt/venv/bin:$PATH \
    HOME=/tmp \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    WANGTING_HOME=/var/lib/wangting
# New volumes take over the owner of the folders that they are mounted on.
RUN groupadd --gid 10001 wangting \
    && useradd --uid 10001 --gid 10001 --home-dir /tmp --shell /usr/sbin/nologin wangting \
    && install -d -m 0700 -o 10001 -g 10001 /var/lib/wangting /var/lib/wangting/releases \
        /var/lib/wangting/operation /var/lib/wangting/open-data
COPY --from=build /opt/venv /opt/venv
COPY --from=build /opt/wangting /opt/wangting
WORKDIR /opt/wangting
USER 10001:10001
CMD ["wangting", "status"]
