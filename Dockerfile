# Two images: `web` (pages, API, migrations; no torch) and `worker` (trains).
#
#   docker build --target web --tag optoscope-web .
#   docker build --target worker --tag optoscope-worker .
#
# Which torch the worker gets: what PyPI has for Linux is the CUDA build. Without a GPU, TORCH_INDEX
# names an index with CPU builds (the README has PyTorch's) and saves gigabytes.

FROM python:3.11.14-slim-bookworm@sha256:65a93d69fa75478d554f4ad27c85c1e69fa184956261b4301ebaf6dbb0a3543d AS base
ENV PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PYTHONUNBUFFERED=1 \
    OPTOSCOPE_DATA_DIR=/var/lib/optoscope \
    TORCHINDUCTOR_CACHE_DIR=/var/lib/optoscope/cache/inductor \
    TRITON_CACHE_DIR=/var/lib/optoscope/cache/triton \
    CUDA_CACHE_PATH=/var/lib/optoscope/cache/cuda
RUN useradd --uid 10001 --create-home optoscope \
    && install --directory --owner=optoscope /var/lib/optoscope
WORKDIR /srv/optoscope
COPY requirements requirements

# The wheel, with the front-end libraries inside.
FROM base AS build
RUN pip install --require-hashes -r requirements/build.txt
COPY pyproject.toml hatch_build.py README.md LICENSE package.json package-lock.json ./
COPY app app
COPY worker worker
COPY web web
COPY migrations migrations
COPY optoscope optoscope
RUN python -m hatchling build --target wheel

FROM base AS web
RUN pip install --require-hashes -r requirements/web.txt
RUN --mount=type=bind,from=build,source=/srv/optoscope/dist,target=/dist \
    pip install --no-deps /dist/*.whl
USER optoscope
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
# Others can reach it: it starts with a token only (OPTOSCOPE_TOKEN_FILE).
CMD ["optoscope", "web", "--host", "0.0.0.0", "--port", "8000"]

FROM base AS worker
# torch.compile builds its kernels with g++; without it training is ten times slower.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends g++ \
    && rm -rf /var/lib/apt/lists/*
ARG TORCH_INDEX=""
RUN pip install ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} -r requirements/torch.txt
RUN pip install --require-hashes -r requirements/worker.txt
RUN --mount=type=bind,from=build,source=/srv/optoscope/dist,target=/dist \
    pip install --no-deps /dist/*.whl
USER optoscope
HEALTHCHECK --interval=30s --timeout=20s --start-period=60s --retries=3 \
    CMD ["optoscope", "health"]
# One process for every GPU that the container is given, or one for the processor.
CMD ["optoscope", "worker"]
