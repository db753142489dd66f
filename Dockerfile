# Keyferry's images.
#
#   docker build -t keyferry .                     production: brings no PKCS#11 module
#   docker build -t keyferry-dev --target dev .    with SoftHSM: docker run keyferry-dev demo
#
# Both run as 65532:65532 and write nowhere but in the volume and in /tmp, so that they
# run with --read-only --tmpfs /tmp. docs/operations.md tells how to run them.

FROM golang:1.26-bookworm AS build
# libsecp256k1 is linked statically: nothing of it is needed where the program runs.
RUN apt-get update \
 && apt-get install -y --no-install-recommends libsecp256k1-dev \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
# Modules and compiled packages are kept between builds. Where the module proxy is out
# of reach, `go mod vendor` first: vendor/ is used if it is there.
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build GOFLAGS=-trimpath make build

# PKCS#11 modules are built for glibc, and the program loads them into itself.
FROM debian:bookworm-slim AS runtime
# No program here may give its caller more rights than he has.
RUN groupadd --gid 65532 keyferry \
 && useradd --uid 65532 --gid 65532 --home-dir /var/lib/keyferry --no-create-home --shell /usr/sbin/nologin keyferry \
 && install -d -m 0700 -o 65532 -g 65532 /var/lib/keyferry \
 && install -d /etc/keyferry /opt/pkcs11 \
 && find / -xdev -type f -perm /6000 -exec chmod ug-s {} +
# The authorities that `keyferry export` trusts.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /src/bin/keyferry /usr/local/bin/
LABEL org.opencontainers.image.title="Keyferry" \
      org.opencontainers.image.description="Exports threshold keys whose shares are kept wrapped by HSMs"
WORKDIR /var/lib/keyferry
VOLUME /var/lib/keyferry
USER 65532:65532
STOPSIGNAL SIGTERM

# For development: its tokens are files, and their PINs lie beside them.
FROM runtime AS dev
USER 0:0
RUN apt-get update \
 && apt-get install -y --no-install-recommends softhsm2 \
 && rm -rf /var/lib/apt/lists/*
COPY --chmod=0755 deploy/keyferry-dev /usr/local/bin/
USER 65532:65532
LABEL org.opencontainers.image.title="Keyferry for development, with SoftHSM"
EXPOSE 8480
ENTRYPOINT ["keyferry-dev"]
CMD ["dev"]

FROM runtime AS production
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
EXPOSE 8443
ENTRYPOINT ["keyferry"]
CMD ["serve", "--config", "/etc/keyferry/keyferry.yaml"]
