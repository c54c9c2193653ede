# syntax=docker/dockerfile:1
# escape=\
ARG VERSION=12
FROM --platform=$BUILDPLATFORM docker.io/library/debian:${VERSION:-12} AS base
ENV A=b C="d e" F=g\ h
LABEL "a.b"="c" d='e'
RUN --mount=type=cache,target=/var/cache,sharing=locked --network=none apt-get update \
    # a comment
    && true
RUN <<EOF
echo "$A"
EOF
COPY --chown=1:2 --chmod=u+rwx,go=rX --from=base ["a b", "/c/"]
COPY <<-one <<"two" /d/
	first
	one
second $x
two
ADD --checksum=sha256:aa https://example.org/x.tar.gz /x/
HEALTHCHECK --interval=30s --retries=3 CMD ["true", "x"]
EXPOSE 80/tcp 53/udp 8000-8010
VOLUME ["/data"]
USER app:staff
WORKDIR /srv
ARG X
STOPSIGNAL SIGINT
SHELL ["/bin/sh", "-c"]
ONBUILD RUN echo hello
ENTRYPOINT ["/init"]
CMD echo $HOME
FROM scratch
COPY --from=base / /
