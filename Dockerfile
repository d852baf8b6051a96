# syntax=docker/dockerfile:1
# Stage 1: the page's third-party modules, by lock file.
FROM node:20-bookworm-slim AS page
WORKDIR /src/controller/page
COPY controller/page/package.json controller/page/package-lock.json controller/page/.npmrc ./
RUN npm ci --silent --no-audit --no-fund --ignore-scripts

# Stage 2: dependencies by hash, then the product itself.
FROM python:3.11-slim-bookworm AS build
WORKDIR /src
RUN python -m venv /opt/biovisor
COPY requirements.lock ./
RUN /opt/biovisor/bin/pip install --no-cache-dir --require-hashes -r requirements.lock
COPY pyproject.toml hatch_build.py README.md LICENSE ./
COPY controller controller
COPY drivers drivers
COPY simulators simulators
COPY configs configs
COPY --from=page /src/controller/page/node_modules controller/page/node_modules
RUN python -m controller.page.build && rm -rf controller/page/node_modules \
 && /opt/biovisor/bin/pip install --no-cache-dir --no-deps .

# Stage 3: what runs. No compiler, no npm, no root.
FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/biovisor biovisor
COPY --from=build /opt/biovisor /opt/biovisor
COPY configs /etc/biovisor
ENV PATH=/opt/biovisor/bin:$PATH PYTHONUNBUFFERED=1
USER biovisor
WORKDIR /var/lib/biovisor
VOLUME /var/lib/biovisor
# The page answers on the loopback interface only: use the host's network, or a reverse proxy beside it.
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s --retries=3 \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/livez', timeout=2)"]
ENTRYPOINT ["biovisor"]
CMD ["demo", "--data", "/var/lib/biovisor/data"]
