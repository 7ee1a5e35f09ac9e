# Every target is a door to one command; what it does stands there.
export PORT ?= 8000
python := .venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help run test shift check fmt messages bench demo

help:  ## list these targets
	@sed -n 's/^\([a-z]*\):  *## /  make \1\t/p' $(MAKEFILE_LIST)

run:  ## set up what is missing and serve at http://127.0.0.1:8000/ (PORT=, DATA_DIR=)
	@.ci/up

test:  ## set up what is missing and run the tests on SQLite, then on PostgreSQL and Redis
	@.ci/test

shift:  ## play a shift of agent, supervisor and visitor in three browsers; nothing else may be busy
	@$(python) -m pytest -m alone -o faulthandler_timeout=600 tests/e2e

check:  ## what CI demands: format, lint, imports, types, settings, migrations, messages, tests
	@.ci/check

fmt:  ## format code and templates, and repair what the linter can
	@.ci/fmt

messages:  ## gather the texts to translate into locale/ and compile the catalogue
	@.ci/messages

bench:  ## send visitors to a server that runs (ARGS="--visitors 100 --seconds 30")
	@$(python) manage.py bench_chat --url http://127.0.0.1:$(PORT) $(ARGS)

demo:  ## put the demonstration's data into the database
	@$(python) manage.py seed_demo
