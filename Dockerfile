# The image of the service: docs/image.md says how to build and run it, docs/decisions/0043-image.md why it is so.
# `make test-image` carries out what stands here and runs the result, where there is no container engine.

# Base images by tag. A release pins them by digest: --build-arg NODE_IMAGE=node:26.10.0-trixie-slim@sha256:...
ARG NODE_IMAGE=node:26.10.0-trixie-slim
ARG DEBIAN_IMAGE=debian:trixie-slim
# 1 adds IBM's driver, for an Informix (Linux on x86-64 only).
ARG WITH_INFORMIX=0


# The packages, without those for development. The Node among the optional ones would be a second one.
FROM ${NODE_IMAGE} AS packages-0
WORKDIR /app
COPY package.json package-lock.json ./
# A registry of your own is named in a secret, which stands where BuildKit puts secrets: --secret id=npmrc,src=.npmrc
RUN --mount=type=secret,id=npmrc --mount=type=cache,target=/var/cache/npm \
    export NPM_CONFIG_USERCONFIG=/run/secrets/npmrc NPM_CONFIG_CACHE=/var/cache/npm \
 && npm ci --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund \
 && rm -rf node_modules/.bin \
 && npm pkg delete devDependencies \
 && npm sbom --sbom-format=cyclonedx --sbom-type=application > sbom.cdx.json \
 && chmod -R u=rwX,go=rX .


# The same, with ibm_db among them and IBM's CLI driver, as scripts/setup-drda.mjs fetches it for `make run`.
FROM ${NODE_IMAGE} AS packages-1
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates python3 python3-pip \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY package.json package-lock.json ./
RUN --mount=type=secret,id=npmrc --mount=type=cache,target=/var/cache/npm \
    export NPM_CONFIG_USERCONFIG=/run/secrets/npmrc NPM_CONFIG_CACHE=/var/cache/npm \
 && npm ci --omit=dev --include=optional --ignore-scripts --no-audit --no-fund \
 && rm -rf node_modules/.bin node_modules/node-linux-* node_modules/@msgpackr-extract node_modules/msgpackr-extract \
 && npm pkg delete devDependencies \
 && npm sbom --sbom-format=cyclonedx --sbom-type=application > sbom.cdx.json
COPY scripts/setup-drda.mjs scripts/setup-tools.mjs scripts/
# What builds and tests the addon is not needed to run it. The wheel holds the driver's libraries twice and thrice, where
# IBM has links.
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    node scripts/setup-drda.mjs driver \
 && rm -rf scripts node_modules/ibm_db/build.zip node_modules/ibm_db/src node_modules/ibm_db/test \
      .tools/ibm/clidriver/include \
 && ln -sf libdb2.so.1 .tools/ibm/clidriver/lib/libdb2.so \
 && ln -sf libDB2xml4c.so.58.0 .tools/ibm/clidriver/lib/libDB2xml4c.so.58 \
 && ln -sf libDB2xml4c.so.58.0 .tools/ibm/clidriver/lib/libDB2xml4c.so \
 && chmod -R u=rwX,go=rX .


# hadolint ignore=DL3006
FROM packages-${WITH_INFORMIX} AS packages


# The service's own files, without their tests: .dockerignore holds those back. Readable for everybody, whatever umask they
# came with.
FROM ${NODE_IMAGE} AS service
WORKDIR /app
COPY bin bin/
COPY db db/
COPY scripts/image scripts/image/
COPY src src/
COPY workers workers/
RUN chmod -R u=rwX,go=rX .


# What Node has compiled, so that each start spends half the time of the processor. Node keeps it by user, and unreadable for
# all others; in the image it is root's.
FROM ${NODE_IMAGE} AS compiled
WORKDIR /app
COPY --from=packages /app /app
COPY --from=service /app /app
RUN mkdir .compiled && chown 10001:10001 .compiled
USER 10001:10001
RUN NODE_COMPILE_CACHE=/app/.compiled node src/main.ts --help > /dev/null \
 && chmod -R u=rwX,go=rX .compiled


FROM ${DEBIAN_IMAGE}
# tini is process 1: Node there would not hear SIGTERM while it starts, and would leave zombies of others' children.
# libatomic1 is Node's. Nothing here needs a program that gains rights. Some verbs ask for the user's name, so there is one. Debian's
# archive keeps no older version of a package, so none is named.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends libatomic1 tini \
 && rm -rf /var/lib/apt/lists/* /var/cache/debconf/*-old /var/log/apt /var/log/dpkg.log \
 && find / -xdev -perm /6000 -type f -exec chmod a-s {} + \
 && chmod 755 /var/tmp /run/lock \
 && groupadd --gid 10001 users-service \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin users-service \
 && mkdir /data \
 && ln -s /app/bin/users-service /usr/local/bin/users-service
COPY --from=compiled /usr/local/bin/node /usr/local/bin/node
WORKDIR /app
COPY --from=packages /app /app
COPY --from=compiled /app/.compiled /app/.compiled
COPY --from=service /app /app

# An embedded database, where no DATABASE_URL is given, is kept under /data: mount something there that user 10001 may
# write. Beside it only /tmp is ever written.
ENV HOST=0.0.0.0 \
    PORT=8080 \
    DATA_DIR=/data \
    NODE_COMPILE_CACHE=/app/.compiled
EXPOSE 8080
USER 10001:10001
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["node", "scripts/image/healthcheck.mjs"]
ENTRYPOINT ["tini", "--", "node", "src/main.ts"]
CMD ["serve"]

ARG VERSION=unknown
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.title="users-service" \
      org.opencontainers.image.description="Who is this user, where do they work, and what may they do?" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.documentation="docs/image.md"
