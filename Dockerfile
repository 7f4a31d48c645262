# mebench on the CPU, in the tested versions: `docker build -t mebench .`
# The working folder /work holds runs, features and pages:
#     docker run --rm --user "$(id -u)" -v "$PWD:/work" mebench run method=mean dataset=synthetic
FROM python:3.11-slim-bookworm

ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1

COPY constraints.txt /opt/mebench/
RUN pip install torch==2.13.0 --index-url https://download.pytorch.org/whl/cpu
COPY pyproject.toml hatch_build.py README.md LICENSE NOTICE /opt/mebench/
COPY mebench /opt/mebench/mebench
COPY methods /opt/mebench/methods
COPY datasets /opt/mebench/datasets
COPY leaderboards /opt/mebench/leaderboards
COPY examples /opt/mebench/examples
RUN pip install -c /opt/mebench/constraints.txt "/opt/mebench[landmarks]"

RUN useradd --create-home mebench && install -d -o mebench /work
USER mebench
WORKDIR /work
ENV XDG_CACHE_HOME=/work/.cache
ENTRYPOINT ["mebench"]
CMD ["--help"]
