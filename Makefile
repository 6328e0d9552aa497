# The only interface: `make help` lists it. Everything it needs (uv, Python packages, Go, the devstack's
# binaries) is brought by the targets themselves, pinned, into .cache/ and .venv/.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
UV_VERSION := 0.13.9
CACHE := $(CURDIR)/.cache
UV_HOME := $(CACHE)/uv-$(UV_VERSION)
UV := $(UV_HOME)/bin/uv
# One Python for everything: the machine's own. uv must not download another.
export UV_PYTHON_DOWNLOADS := never
export UV_PYTHON := $(PYTHON)
RUN := $(UV) run --locked

$(UV):
	@echo "==> uv $(UV_VERSION) into .cache"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or later is needed; found: $$($(PYTHON) --version 2>&1). Set PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -m venv "$(UV_HOME)" \
	  || { rm -rf "$(UV_HOME)"; echo "Python's venv module is missing (on Debian: apt-get install python3-venv)" >&2; exit 1; }
	@"$(UV_HOME)/bin/pip" install --quiet --disable-pip-version-check "uv==$(UV_VERSION)"

.venv/.synced: $(UV) uv.lock pyproject.toml operator/pyproject.toml echo/pyproject.toml echo/consul-init/pyproject.toml tests/cluster/pyproject.toml tests/devstack/pyproject.toml
	@echo "==> Python packages into .venv"
	@$(UV) sync --locked --quiet
	@touch $@

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z.-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z.-]+):[^#]*## (.*)/  make \1\t\2/' | expand -t 24

.PHONY: lint
lint: .venv/.synced ## formatting, lint rules, types, import contracts
	@$(RUN) ruff format --check --quiet .
	@$(RUN) ruff check --quiet .
	@$(RUN) mypy
	@$(RUN) mypy manifests/components/*/*.py | sed '/^Success/d'
	@$(RUN) lint-imports --no-logo | tail -n 3

.PHONY: unit
unit: .venv/.synced ## the tests that need nothing but Python
	@$(RUN) pytest -n 2 --dist loadfile tests/unit

SEED ?= 0
.PHONY: simulate
simulate: .venv/.synced ## the engine against 1,000 made-up schedules of changes and faults, 300 of them with two replicas, 300 with several backends, 200 with several paths (SEED=0)
	@PYTHONPATH=tests $(RUN) python -m unit.simulation.simulate $(SEED) 200 300 300 200

.PHONY: chaos
chaos: devstack ## 90 s in which replicas, gateway, API server and Consul are killed, frozen and wiped (CHAOS_SECONDS, CHAOS_SEED)
	@$(RUN) pytest tests/chaos

.PHONY: docs
docs: .venv/.synced ## the documents: links, generated parts, words; prints the longest sentences
	@$(RUN) pytest -q tests/docs
	@PYTHONPATH=tests $(RUN) python -m docs.sentences

.PHONY: devstack
devstack: .venv/.synced ## find or build what `make test` needs: etcd, Kubernetes API, kubectl, Consul, gateway
	@$(RUN) devstack build --all

.PHONY: demo
demo: .venv/.synced ## the main job, live: from kubectl apply to an answered request
	@$(RUN) python tests/demo/demo.py

.PHONY: test
# Two folders wait more than they compute, and each of their files is on its own: two at a time.
test: lint unit docs simulate devstack ## everything that CI gates on
	@$(RUN) devstack vet
	@$(RUN) pytest -n 2 --dist loadfile tests/integration/consul_init tests/integration/devstack
	@$(RUN) pytest tests/contract tests/integration tests/e2e tests/tutorial \
	  --ignore=tests/integration/consul_init --ignore=tests/integration/devstack
	@$(RUN) pytest -n 2 --dist loadfile tests/faults

# Images are called localhost/NAME, a registry that nobody can publish to: `kubectl` never pulls somebody else's by mistake.
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' operator/pyproject.toml)
IMAGE_TAG ?= $(VERSION)
IMAGE_ARGS ?=

.PHONY: images
images: image-operator image-echo image-consul-init ## build the images with docker or podman (IMAGE_ARGS: more arguments for the build)

.PHONY: image-operator image-echo image-consul-init
image-operator: ; @.ci/build-image operator/Dockerfile "$(or $(IMAGE),localhost/echoroute-operator:$(IMAGE_TAG))" --build-arg VERSION=$(VERSION) $(IMAGE_ARGS)
image-echo: ; @.ci/build-image echo/Dockerfile "$(or $(IMAGE),localhost/echo-service:$(IMAGE_TAG))" --build-arg VERSION=$(VERSION) $(IMAGE_ARGS)
image-consul-init: ; @.ci/build-image echo/consul-init/Dockerfile "$(or $(IMAGE),localhost/consul-init:$(IMAGE_TAG))" --build-arg VERSION=$(VERSION) $(IMAGE_ARGS)

.PHONY: image-test
image-test: devstack ## the images as containers, after `make images`: user, read-only root, signals, size, start time
	@$(RUN) pytest tests/images

OVERLAY ?= production
.PHONY: install.yaml
install.yaml: ## one file for people without kustomize, to edit and apply (OVERLAY=production)
	@kubectl=$$(command -v kubectl || ls .cache/devstack/bin/kubectl 2>/dev/null) \
	  || { echo "make install.yaml needs kubectl: install it, or run make devstack" >&2; exit 1; }; \
	"$$kubectl" kustomize manifests/overlays/$(OVERLAY) >$@ || { rm -f $@; exit 1; }
	@echo "==> $@, from manifests/overlays/$(OVERLAY)"

.PHONY: release-check
release-check: .venv/.synced ## wheels and sdists: built, checked, installed where nothing else is; versions agree
	@$(RUN) --group release pytest --timeout=900 tests/release

.PHONY: cluster-up
cluster-up: .venv/.synced ## a Kubernetes cluster of one real node, without Docker (Linux, root, apt-get)
	@$(RUN) cluster up

.PHONY: cluster-down
cluster-down: .venv/.synced ## end it, and take away what a crashed one has left
	@$(RUN) cluster down

.PHONY: cluster-test
cluster-test: .venv/.synced ## images and manifests on such a cluster, as pods, under load; where it cannot run, it says so
	@$(RUN) cluster test

.PHONY: pages-check
pages-check: .venv/.synced ## install, look after, upgrade and uninstall on such a cluster, as the pages say; not in .ci/run
	@$(RUN) cluster test-pages

.PHONY: compose-check
compose-check: .venv/.synced ## compose.yaml, run for real by podman-compose (Linux, root, apt-get)
	@$(RUN) --group compose python tests/compose/run.py

.PHONY: docker-check
docker-check: ## compose.yaml with Docker's own builder and the public images: needs docker with compose, and the internet
	@.ci/docker-check

.PHONY: kind-check
kind-check: images ## the dev overlay on kind with the public images: needs docker, kind, kubectl, and the internet
	@.ci/kind-check

.PHONY: contract-check
contract-check: .venv/.synced ## the contract tests against the public APISIX image: needs docker, and the internet
	@.ci/contract-check

.PHONY: chart-check
chart-check: devstack ## the Helm chart: what it renders, refuses, and does to a real API server (Helm is built where there is none)
	@$(RUN) devstack build helm kubectl
	@$(RUN) pytest tests/chart

.PHONY: rules-check
rules-check: .venv/.synced ## alerts fire when they should, by Prometheus' own tester (built where there is none: some minutes); not in .ci/run
	@$(RUN) devstack build promtool
	@$(RUN) python tests/monitoring/check.py

.PHONY: tilt-check
tilt-check: .venv/.synced ## the Tiltfile, evaluated by Tilt (built where there is none: some minutes, and a C compiler)
	@$(RUN) devstack build tilt kubectl
	@$(RUN) pytest tests/tilt/test_tiltfile.py

.PHONY: tilt-ci
tilt-ci: .venv/.synced ## `tilt ci` and live updates on a test cluster (as cluster-up: Linux, root, apt-get)
	@$(RUN) devstack build tilt kubectl
	@$(RUN) cluster prepare
	@$(RUN) pytest tests/tilt/test_live.py

.PHONY: bench
bench: .venv/.synced ## times beside a floor measured in the same run (quick: BENCH_N=500 BENCH_PAIRS=1 BENCH_LARGE=2000)
	@PYTHONPATH=tests $(RUN) python -m bench

.PHONY: soak
soak: devstack ## what takes long: 20,000 schedules of `make simulate`, and 24 bugs that they must find; mass deletions, ten times; chaos of 5 and 60 minutes; a team of 10,000 EchoRoutes that floods; rolling replacements, three of five on a busy machine
	@PYTHONPATH=tests $(RUN) python -m unit.simulation.simulate $(SEED) 6000 5000 5000 4000
	@PYTHONPATH=tests $(RUN) python -m unit.simulation.planted 3000
	@MASS_DELETIONS=10 $(RUN) pytest tests/faults/test_mass_deletion.py -s
	@for seed in 1 2 3; do CHAOS_SECONDS=300 CHAOS_SEED=$$seed $(RUN) pytest tests/chaos; done
	@CHAOS_SECONDS=3600 $(RUN) pytest tests/chaos
	@FLOOD_ECHOROUTES=10000 $(RUN) pytest tests/faults/test_floods.py -s
	@ROLLING_RUNS=idle,idle,busy,busy,busy $(RUN) pytest tests/integration/consul_init/test_rolling_replacement.py

.PHONY: clean
clean: ## remove what was built and cached here
	rm -rf .venv .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
