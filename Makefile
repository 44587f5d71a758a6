# Every target first sees to what it needs (scripts/setup.mjs), which takes a moment only when it is all there.

USERS ?= 100000
SCHEDULES ?= 20000

SETUP := node scripts/setup.mjs
# The Node among the npm packages comes first: the system's may be older.
WITH_NODE := PATH="$(CURDIR)/node_modules/.bin:$$PATH"

.DEFAULT_GOAL := help
.PHONY: help run run-kafka test fuzz simulate bench bench-opponents bench-informix bench-kafka resilience crash-kafka soak docs format clean

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
test: ## lint, types, and all tests
	@REDIS_URL= $(SETUP)
	@node scripts/setup-drda.mjs
	@node scripts/setup-kafka.mjs
	@npm run --silent lint
	@npm run --silent types
	@npm test --silent
	@if node_modules/.bin/node test/support/kafka-here.ts; then npm run --silent test:kafka; fi
	@if node_modules/.bin/node test/support/drda/here.ts; then npm run --silent test:drda; fi

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

# RESILIENCE_SECONDS, RESILIENCE_RATE and RESILIENCE_ONLY (a part of a fault's name) may be set; then the results are
# printed only.
resilience: ## break the other services in every way under load, for a quarter of an hour, and write the results down
	@REDIS_URL= $(SETUP)
	@$(WITH_NODE) exec node bench/resilience.ts $(if $(RESILIENCE_SECONDS)$(RESILIENCE_RATE)$(RESILIENCE_ONLY),,--write)

docs: ## write the generated documents anew
	@REDIS_URL= $(SETUP)
	@$(WITH_NODE) exec node scripts/docs.ts

format: ## format the code, and mend what the linter can mend
	@REDIS_URL= $(SETUP)
	@npm run --silent format

clean: ## delete the data, the packages and the tools; the next start makes them anew
	rm -rf var node_modules .tools
