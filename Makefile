# bytesight: `make help` lists what there is.

O ?= build
V ?= 0
PREFIX ?= /usr/local
PYTHON_CFLAGS ?= $(shell pkg-config --cflags python3 2>/dev/null)

CC ?= cc
WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wno-unused-parameter
CFLAGS ?= -O2 -g
BASE_CFLAGS := -std=gnu11 -D_GNU_SOURCE -Inative -fPIC -fvisibility=hidden $(WARNINGS) $(if $(WERROR),-Werror)
SAN_CFLAGS := $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all)

AGENT_CFLAGS := $(BASE_CFLAGS) $(PYTHON_CFLAGS) -DPy_LIMITED_API=0x030a0000
MODULE_CFLAGS := $(BASE_CFLAGS) $(PYTHON_CFLAGS) -DPy_LIMITED_API=0x03090000
CORE_CFLAGS := $(BASE_CFLAGS)
CORE_LIBS := -ljansson -lzstd -lm

AGENT_SOURCES := $(wildcard native/agent/*.c native/agent/*/*.c)
CORE_SOURCES := $(wildcard native/core/*.c)
INSPECT_SOURCES := $(wildcard native/inspect/*.c)
COMMAND_SOURCES := $(wildcard native/command/*.c)
MODULE_SOURCES := $(wildcard native/module/*.c)
TEST_COMMON := $(wildcard tests/*.c)

objects = $(patsubst %.c,$(O)/%.o,$(1))
say = $(if $(filter 0,$(V)),@printf '  %-8s %s\n' $(1) $(2);)

AGENT := $(O)/libbytesight_agent.so
MODULE := $(O)/_bytesight.abi3.so
LIBS := $(O)/libcommand.a $(O)/libinspect.a $(O)/libcore.a

all: $(AGENT) $(MODULE) ## Build the agent and the module (the default)

$(O)/native/agent/%.o: FLAGS := $(AGENT_CFLAGS)
$(O)/native/module/%.o: FLAGS := $(MODULE_CFLAGS) $(SAN_CFLAGS)
$(O)/native/core/%.o $(O)/native/inspect/%.o $(O)/native/command/%.o: FLAGS := $(CORE_CFLAGS) $(SAN_CFLAGS)
$(O)/tests/%.o: FLAGS := $(CORE_CFLAGS) -Itests $(SAN_CFLAGS) -DBUILD_DIR='"$(abspath $(O))"' -DSOURCE_DIR='"$(CURDIR)"'

$(O)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) $(CFLAGS) $(FLAGS) -MMD -MP -c $< -o $@

$(O)/libcore.a: $(call objects,$(CORE_SOURCES))
$(O)/libinspect.a: $(call objects,$(INSPECT_SOURCES))
$(O)/libcommand.a: $(call objects,$(COMMAND_SOURCES))
$(O)/lib%.a:
	$(call say,AR,$@)rm -f $@ && $(AR) rcs $@ $^

$(AGENT): $(call objects,$(AGENT_SOURCES))
	$(call say,LINK,$@)$(CC) $(CFLAGS) -shared -o $@ $^ -lpthread -ldl

$(MODULE): $(call objects,$(MODULE_SOURCES)) $(LIBS)
	$(call say,LINK,$@)$(CC) $(CFLAGS) $(SAN_CFLAGS) -shared -o $@ $^ $(CORE_LIBS)

# One CUnit program per folder of tests that has sources: build/tests/unit/run, ...
SUITES := $(patsubst tests/%/,%,$(sort $(dir $(foreach suite,unit oracle inspect command agent \
	probe session,$(firstword $(wildcard tests/$(suite)/*.c))))))

define test_program
$(O)/tests/$(1)/run: $(call objects,$(wildcard tests/$(1)/*.c) $(TEST_COMMON)) $(LIBS)
	$$(call say,LINK,$$@)$$(CC) $$(CFLAGS) $$(SAN_CFLAGS) -rdynamic -o $$@ $$^ -lcunit $$(CORE_LIBS) -ldl
endef
$(foreach suite,$(SUITES),$(eval $(call test_program,$(suite))))

-include $(shell find $(O) -name '*.d' 2>/dev/null)

clean: ## Remove what was built
	rm -rf $(O)

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: all clean help
