# The bot in a small image: locked packages, no root, its data in /data.
#   docker build -t spaces . && docker run --rm -v spaces:/data spaces demo
FROM python:3.12-slim AS build
WORKDIR /src
RUN python -m venv /opt/spaces
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
# First what seldom changes.
COPY requirements.lock ./
RUN /opt/spaces/bin/pip install -r requirements.lock
COPY . .
RUN /opt/spaces/bin/pip install --no-deps --no-build-isolation .

FROM python:3.12-slim
RUN useradd --create-home --uid 1000 spaces && install --directory --owner spaces --group spaces /data
COPY --from=build /opt/spaces /opt/spaces
ENV PATH=/opt/spaces/bin:$PATH PYTHONUNBUFFERED=1 MPLCONFIGDIR=/tmp/matplotlib
USER spaces
WORKDIR /data
VOLUME /data
ENTRYPOINT ["spaces"]
CMD ["--help"]
