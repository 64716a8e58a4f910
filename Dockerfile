# Millrace in one image; the command says which program: engine, gateway, analyzer, generate, dev …
FROM denoland/deno:2.9.6

WORKDIR /app
# Packages first: a change of the code alone leaves this layer as it is. A lock file that does not fit ends the build.
COPY deno.json deno.lock ./
COPY gateway/dashboard/deno.json gateway/dashboard/
RUN deno install --frozen
COPY . .
RUN deno install --frozen --entrypoint cli.ts \
  && mkdir /data \
  && chown deno:deno /data

# Everything else may be read-only.
USER deno
VOLUME /data
ENV MILLRACE_DATA=/data \
  DENO_NO_UPDATE_CHECK=1 \
  DENO_NO_PROMPT=1 \
  NO_COLOR=1
EXPOSE 8080 8081 8082 8083
STOPSIGNAL SIGTERM
ENTRYPOINT ["/tini", "--", "deno", "task", "-q"]
CMD ["dev"]
