# Reads, serves and reviews: the installation for reading alone, without TensorFlow; see docs/service.md.
FROM python:3.11-slim AS build
WORKDIR /src
COPY . .
RUN python -m venv /opt/digitocr \
    && /opt/digitocr/bin/pip install --no-cache-dir --no-compile -c constraints.txt -r requirements-reading.txt \
    && /opt/digitocr/bin/pip install --no-cache-dir --no-compile --no-deps .

FROM python:3.11-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgl1 libglib2.0-0 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 1000 --create-home digitocr \
    && install -d -o digitocr -g digitocr /data
COPY --from=build /opt/digitocr /opt/digitocr
ENV PATH=/opt/digitocr/bin:$PATH
USER digitocr
WORKDIR /data
VOLUME /data
EXPOSE 8080
# the folder is looked at by a process of its own: it is healthy while that lives
HEALTHCHECK --interval=60s --timeout=30s --start-period=60s \
    CMD digitocr status --json | python -c "import json, sys; sys.exit(not json.load(sys.stdin)['watcher'])"
STOPSIGNAL SIGTERM
CMD ["digitocr", "serve", "--host", "0.0.0.0", "--port", "8080", "--no-browser"]
