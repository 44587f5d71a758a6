# Every target first sees to what it needs (scripts/setup.mjs), which takes a moment only when it is all there.

USERS ?= 100000
SCHEDULES ?= 20000
ENGINE ?= docker
# Read only where an image is built.
VERSION = $(shell node -p "require('./package.json').version")

SETUP := node scripts/setup.mjs
AUDIT := node scripts/audit-dependencies.mjs
# The Node among the npm packages comes first: the system's may be older.
WITH_NODE := PATH="$(CURDIR)/node_modules/.bin:$$PATH"

.DEFAULT_GOAL := help
.PHONY: help run run-kafka test test-rest audit demo-strangler fuzz simulate bench bench-opponents bench-informix bench-kafka bench-strangler resilience crash-kafka soak rehearse steady image sbom test-image test-chart test-cluster coverage mutants docs docs-chart format clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

# exec, so that no shell stands between the terminal and the service: Ctrl-C reaches it once, and it ends in its own time.
run: ## start everything here, with USERS=100000 made-up users on the first start, or over DATABASE_URL
	@$(SETUP)
	@$(if $(DATABASE_URL),node scripts/setup-drda.mjs driver)
	@$(WITH_NODE) exec node src/main.ts all --seed-users $(USERS)

# The broker outlasts the service, which ends in its own time; its data stays in var/kafka. Topics are made: it is ours.
run-kafka: ## start everything with the changes over a Kafka of its own, on loopback
	@$(SETUP)
	@$(if $(DATABASE_URL),node scripts/setup-drda.mjs driver)
	@node scripts/setup-kafka.mjs needed
	@$(WITH_NODE) FEED=kafka EVENTS=on KAFKA_CREATE_TOPICS=on exec node scripts/with-kafka.ts --export-brokers --dir var/kafka -- node src/main.ts all --seed-users $(USERS)

# Tests start a Redis of their own and never touch the one that REDIS_URL names.
test: ## lint, types, and the tests of all tiers but the drills
	@REDIS_URL= $(SETUP)
	@node scripts/setup-drda.mjs
	@node scripts/setup-kafka.mjs
	@node scripts/setup-legacy.mjs
	@node scripts/setup-oasdiff.mjs
	@node scripts/setup-chromium.mjs
	@$(AUDIT)
	@npm run --silent lint
	@npm run --silent types
	@npm test --silent

# Continuous integration runs them, too: six minutes more than are to be waited for after each change.
test-rest: ## run the API's other tests over a broker and over IBM's driver, and drills: short soaks, crashes, rollouts and the like
	@REDIS_URL= $(SETUP)
	@node scripts/setup-drda.mjs
	@node scripts/setup-kafka.mjs
	@node scripts/setup-oasdiff.mjs
	@npm run --silent test:rest

# With STRICT=1 it fails also where no registry could be asked: for a pipeline that relies on it.
audit: ## look for known weaknesses of the packages, and for packages that are not pinned
	@$(AUDIT) $(if $(STRICT),--strict)

demo-strangler: ## take over endpoints of a small Django application, under load: the story in two minutes
	@REDIS_URL= $(SETUP)
	@node scripts/setup-legacy.mjs needed
	@$(WITH_NODE) exec node examples/legacy-django/demo.ts

fuzz: ## call the API with made-up requests, for as long as it takes
	@REDIS_URL= $(SETUP)
	@$(WITH_NODE) exec scripts/fuzz.sh

bench: ## measure, and write the results down
	@REDIS_URL= $(SETUP)
	@$(WITH_NODE) exec node bench/run.ts

# SEED=n tries it again; FAULT='part of a name' plants a fault of test/simulation/faults/.
simulate: ## try races under SCHEDULES=20000 schedules, for at most ten minutes
	@REDIS_URL= $(SETUP)
	@$(WITH_NODE) exec node test/simulation/run.ts --schedules $(SCHEDULES) $(if $(SEED),--seed $(SEED)) $(if $(FAULT),--fault '$(FAULT)')

# SOAK_SECONDS, SOAK_SEED and SOAK_FAULTS (a part of a fault's name) may be set.
soak: ## break everything under load for three minutes, and check every answer
	@REDIS_URL= $(SETUP)
	@$(WITH_NODE) exec node test/soak/run.ts

# CRASH_STEPS, CRASH_SEED, CRASH_BROKER_DOWN_MS and CRASH_ONLY (a part of what happens' name) may be set.
crash-kafka: ## kill relay, workers and broker at random for a quarter of an hour, under writes, and check what is lost
	@REDIS_URL= $(SETUP)
	@node scripts/setup-kafka.mjs needed
	@$(WITH_NODE) exec node test/kafka-crash/run.ts

# REHEARSAL_RATE, REHEARSAL_SEED, REHEARSAL_ONLY (a part of a part's name) and REHEARSAL_FAULT (no-grace,
# readiness-ignored) may be set. Helm, which reads the chart, is built by Go, once.
rehearse: ## play a rollout, nodes that crash and one that freezes, under load, with what the chart says of pods: five minutes
	@REDIS_URL= $(SETUP)
	@node scripts/setup-go-tools.mjs helm
	@$(WITH_NODE) exec node test/rehearsal/run.ts

# STEADY_SECONDS, STEADY_RATE, STEADY_SEED, STEADY_LEAK (memory, handles) and STEADY_SERIES (a file for all samples) may be set.
steady: ## run everything at a steady rate for half an hour, and see that nothing grows
	@REDIS_URL= $(SETUP)
	@node scripts/setup-go-tools.mjs helm
	@$(WITH_NODE) exec node test/rehearsal/run-steady.ts

bench-opponents: ## measure the hot read beside Go and Django services
	@REDIS_URL= $(SETUP)
	@$(WITH_NODE) exec node bench/opponents/run.ts

bench-informix: ## measure IBM's driver over a DRDA server, beside a direct call
	@REDIS_URL= $(SETUP)
	@node scripts/setup-drda.mjs
	@$(WITH_NODE) exec node --expose-gc bench/informix.ts

# KAFKA_BENCH_USERS, KAFKA_BENCH_ROUNDS, KAFKA_BENCH_BURST_ROUNDS and KAFKA_BENCH_WRITES may be set; with fewer or more
# users than usual the results are printed only.
bench-kafka: ## measure changes over Kafka beside changes out of the database, and write the results down
	@REDIS_URL= $(SETUP)
	@node scripts/setup-kafka.mjs needed
	@$(WITH_NODE) exec node bench/kafka.ts $(if $(KAFKA_BENCH_USERS),,--write)

# STRANGLER_BENCH_SECONDS, STRANGLER_BENCH_ROUNDS and STRANGLER_BENCH_MIB may be set; then the results are printed only.
bench-strangler: ## measure what standing before a legacy application costs, for eight minutes, and write the results down
	@REDIS_URL= $(SETUP)
	@$(WITH_NODE) exec node bench/strangler.ts $(if $(STRANGLER_BENCH_SECONDS)$(STRANGLER_BENCH_ROUNDS)$(STRANGLER_BENCH_MIB),,--write)

# RESILIENCE_SECONDS, RESILIENCE_RATE and RESILIENCE_ONLY (a part of a fault's name) may be set; then the results are
# printed only.
resilience: ## break the other services in every way under load, for a quarter of an hour, and write the results down
	@REDIS_URL= $(SETUP)
	@$(WITH_NODE) exec node bench/resilience.ts $(if $(RESILIENCE_SECONDS)$(RESILIENCE_RATE)$(RESILIENCE_ONLY),,--write)

# ENGINE=podman, WITH_INFORMIX=1, TAG=name:tag, NODE_IMAGE=… and DEBIAN_IMAGE=… (by digest) may be set: docs/image.md.
image: ## build the container image, with Docker
	@$(ENGINE) build --build-arg WITH_INFORMIX=$(if $(filter 1,$(WITH_INFORMIX)),1,0) \
	  $(if $(NODE_IMAGE),--build-arg NODE_IMAGE=$(NODE_IMAGE)) $(if $(DEBIAN_IMAGE),--build-arg DEBIAN_IMAGE=$(DEBIAN_IMAGE)) \
	  --build-arg VERSION=$(VERSION) --build-arg REVISION=$$(git rev-parse HEAD) --build-arg CREATED=$$(date -u +%Y-%m-%dT%H:%M:%SZ) \
	  --tag $(or $(TAG),users-service:$(VERSION)) .

sbom: ## write down which packages the service runs on, as CycloneDX, into var/sbom.cdx.json
	@mkdir -p var
	@npm sbom --sbom-format=cyclonedx --sbom-type=application --package-lock-only --omit=dev --omit=optional > var/sbom.cdx.json

# Without root, or where mounts are not permitted, it says so, and lints only. WITH_INFORMIX=1 takes IBM's driver in.
test-image: ## lint the Dockerfile, carry out what it says on a Debian of its own, and run the result as it would be run
	@REDIS_URL= $(SETUP)
	@node scripts/image/lint.mjs
	@$(WITH_NODE) IMAGE_WITH_INFORMIX=$(WITH_INFORMIX) node --test --test-timeout=120000 test/image/rehearsal.ts

# Helm and the others are built by Go, once, into .tools: six minutes. Without Go it says what it leaves out; under CI it fails.
test-chart: ## check the Helm chart: lint, real schemas of Kubernetes, kube-score, our own rules, and wrong values
	@REDIS_URL= $(SETUP)
	@node scripts/setup-chart.mjs
	@$(WITH_NODE) node --test --test-concurrency=2 "test/chart/*.test.ts"
	@if node_modules/.bin/node test/chart/here.ts; then \
	  $(WITH_NODE) PROMTOOL=needed node --test --test-concurrency=2 "test/chart/*.check.ts" "test/metrics/{alerts.project,dashboard.project,scrape.long}.test.ts"; fi

# The API server is built by Go, once, into .tools: ten minutes on two cores.
test-cluster: ## install, upgrade, roll back and remove the Helm chart on a real API server of Kubernetes, started here
	@REDIS_URL= $(SETUP)
	@node scripts/setup-cluster.mjs
	@$(WITH_NODE) node --test test/chart/cluster/installs.ts

coverage: ## measure how much of the code the tests run, a tier at a time and together: eight minutes
	@REDIS_URL= $(SETUP)
	@$(WITH_NODE) exec node scripts/coverage.ts

# MUTATE='src/domain src/projections/near' tries these folders only.
mutants: ## change domain and projections in thousands of small ways, and see which changes no test finds: three and a half hours
	@REDIS_URL= $(SETUP)
	@node scripts/setup-mutation.mjs
	@$(WITH_NODE) exec node test/mutation/run.mjs $(MUTATE)

docs: ## write the generated documents anew
	@REDIS_URL= $(SETUP)
	@$(WITH_NODE) exec node scripts/docs.ts

docs-chart: ## write anew what of the Helm chart is made from its values and from src/config.ts
	@REDIS_URL= $(SETUP)
	@$(WITH_NODE) node scripts/chart/write.ts
	@$(WITH_NODE) biome check --write charts

format: ## format the code, and mend what the linter can mend
	@REDIS_URL= $(SETUP)
	@npm run --silent format

clean: ## delete the data, the packages and the tools; the next start makes them anew
	rm -rf var node_modules .tools
