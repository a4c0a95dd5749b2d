# bytesight: `make help` lists what there is.

O ?= build
V ?= 0
PREFIX ?= /usr/local
# Any Python headers from 3.9 on will do: the limited API makes one binary serve all interpreters.
PYTHON_CFLAGS ?= $(shell pkg-config --cflags python3 2>/dev/null)

CC ?= cc
STRIP ?= strip
WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wno-unused-parameter
CFLAGS ?= -O2 -g
BASE_CFLAGS := -std=gnu11 -D_GNU_SOURCE -Inative -fPIC -fvisibility=hidden $(WARNINGS) $(if $(WERROR),-Werror)
SAN_CFLAGS := $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all)

AGENT_CFLAGS := $(BASE_CFLAGS) $(PYTHON_CFLAGS) -DPy_LIMITED_API=0x030a0000 -include agent/libc_versions.h
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
# What programs without tests may use: an archive, so that they get no more than they need.
$(O)/libtests.a: $(call objects,$(filter-out tests/main.c,$(TEST_COMMON)))
$(O)/lib%.a:
	$(call say,AR,$@)rm -f $@ && $(AR) rcs $@ $^

# Debuggers read debug information late, from a file that is gone by then (the agent travels in a
# memfd), and say so; it is kept beside the agent.
# The search path, in which nothing is, makes room for the name of a library (agent_file.h).
AGENT_ROOM := /proc/$(shell printf '%01024d' 0)
$(AGENT): $(call objects,$(AGENT_SOURCES))
	$(call say,LINK,$@)$(CC) $(CFLAGS) -shared -Wl,-soname,libbytesight_agent.so \
		-Wl,--enable-new-dtags,-rpath,$(AGENT_ROOM) -o $@.debug $^ -lpthread -ldl && \
		$(STRIP) --strip-debug -o $@ $@.debug

$(MODULE): $(call objects,$(MODULE_SOURCES)) $(LIBS)
	$(call say,LINK,$@)$(CC) $(CFLAGS) $(SAN_CFLAGS) -shared -o $@ $^ $(CORE_LIBS) -lrt

# One CUnit program per folder of tests: build/tests/unit/run, ... Those that run longest first.
SUITES := session probe cpython walk command inspect agent oracle unit

define test_program
$(O)/tests/$(1)/run: $(call objects,$(wildcard tests/$(1)/*.c) $(TEST_COMMON)) $(LIBS)
	$$(call say,LINK,$$@)$$(CC) $$(CFLAGS) $$(SAN_CFLAGS) -rdynamic -o $$@ $$(filter %.o,$$^) $$(filter %.a,$$^) -lcunit -ldw $$(CORE_LIBS) -ldl
endef
$(foreach suite,$(SUITES),$(eval $(call test_program,$(suite))))

# What of the probe knows nothing of Python is tested by itself.
PROBE_PLAIN := aftermath correct emit_x86_64 fastest fit holder infer maps plan reference refine \
	repeats stream stubs_none stubs_x86_64 table trial turns
$(O)/tests/probe/run: $(PROBE_PLAIN:%=$(O)/native/agent/probe/%.o) \
	$(patsubst %,$(O)/native/agent/%.o,agree block file_mappings lines peek quantile steps tally) \
	$(O)/tests/inspect/process.o
$(O)/tests/agent/run: $(O)/native/agent/block.o $(O)/native/agent/quantile.o \
	$(O)/native/agent/copy/standard_error.o
# The same of the C walk.
WALK_PLAIN := file_mappings lines peek probe/maps walk_functions walk_handlers walk_insn_none \
	walk_insn_x86_64 walk_record walk_repeat_x86_64 walk_step_none walk_step_x86_64 walk_tree
$(O)/tests/walk/run: $(WALK_PLAIN:%=$(O)/native/agent/%.o)
$(O)/tests/walk/run $(O)/tests/session/run: | $(O)/tests/walk/walked_extension.abi3.so
$(O)/tests/walk/walked_extension.abi3.so: tests/walk/programs/walked_extension.c
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) -g -O1 -fPIC -shared $(PYTHON_CFLAGS) -DPy_LIMITED_API=0x03090000 -o $@ $<

$(O)/tests/agent/run: | $(O)/tests/agent/libslowclock.so $(O)/tests/agent/libslowkill.so
$(O)/tests/agent/libslow%.so: tests/agent/programs/slow_%.c
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) -g -O1 -fPIC -shared -D_GNU_SOURCE -o $@ $<

$(O)/tests/session/run: | $(O)/tests/session/liblinked.so $(O)/tests/session/libthrows.so
$(O)/tests/session/liblinked.so: $(wildcard tests/session/programs/linked_*.c)
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) -g -O2 -flto -fPIC -shared -o $@ $^
$(O)/tests/session/libthrows.so: tests/session/programs/throws.c
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) -g -O1 -fPIC -shared -o $@ $^

$(O)/tests/command/run: | $(O)/tests/command/libpool.so
$(O)/tests/command/libpool.so: tests/command/programs/pool.c
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) -g -O1 -fPIC -shared -o $@ $^ -lpthread

# What BOLT 19 makes of DWARF 5 by GCC: pointers of 0 bytes.
$(O)/tests/session/run: | $(O)/tests/session/libbolted.so
$(O)/tests/session/libbolted.so: tests/session/programs/bolted.c
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) -gdwarf-4 -dA -fPIC -S -o $(@:so=s) $< && \
		sed -i '/DW_TAG_pointer_type)/{n;s/0x8/0/;}' $(@:so=s) && $(CC) -shared -o $@ $(@:so=s)

# CPython's own tests run with the agent's own code in the dispatch table.
$(O)/tests/cpython/run: $(O)/tests/probe/probed.o $(O)/tests/inspect/process.o | \
	$(O)/tests/cpython/programs/patched.so
$(O)/tests/cpython/programs/patched.o: FLAGS = $(AGENT_CFLAGS)
$(O)/tests/cpython/programs/patched.so: $(O)/tests/cpython/programs/patched.o $(call objects,$(AGENT_SOURCES))
	$(call say,LINK,$@)$(CC) $(CFLAGS) -shared -o $@ $^ -lpthread -ldl

-include $(shell find $(O) -name '*.d' 2>/dev/null)

# What is missing of these is installed by `make deps`; a/b means the first that is offered.
BUILD_PACKAGES := gcc libc6-dev pkg-config python3-dev libjansson-dev libzstd-dev
TEST_PACKAGES := python3 python3-greenlet gdb gdbserver libcunit1-dev libdw-dev lldb-21/lldb-19/lldb
LINT_PACKAGES := clang-format clang-tidy clang pyflakes3 shellcheck
FUZZ_PACKAGES := clang libclang-rt-21-dev/libclang-rt-19-dev/libclang-rt-14-dev

deps: ## Install what is missing for building and testing
	@tests/tools/deps.sh $(BUILD_PACKAGES) $(TEST_PACKAGES)
# The debug build. What Debian strips off its python3 comes with it, and most people have not that.
	@tests/tools/deps.sh --without='/usr/lib/debug/*' python3-dbg

# These work as the first command on a new machine. The second make looks for headers again.
demo: deps ## Run a small program under GDB, and trace and profile a call of it
	@$(MAKE) --no-print-directory all demo-run
demo-run: $(O)/tests/demo/words.abi3.so
	@tests/demo/demo.sh $(O)
$(O)/tests/demo/words.abi3.so: tests/demo/words.c
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) -g -O0 -fPIC -shared $(PYTHON_CFLAGS) -DPy_LIMITED_API=0x03090000 -o $@ $<

test: deps ## Build and run every test
	@$(MAKE) --no-print-directory all check

# The sessions of the two debuggers are jobs of their own.
check: $(SUITES:%=$(O)/tests/%/run)
	@tests/tools/run-suites.sh $(O)/tests $(subst session,session:gdb. session:lldb. session:both.,$(SUITES))
# For those who run them in their own way.
test-programs: all $(SUITES:%=$(O)/tests/%/run)

test-cpython: deps ## Run many of CPython's own tests with the probe in the dispatch table
	@$(MAKE) --no-print-directory $(O)/tests/cpython/run
	BYTESIGHT_CPYTHON_TESTS=all $(O)/tests/cpython/run

lint: ## Check format, layers, and what static analysers find
	@tests/tools/deps.sh $(BUILD_PACKAGES) $(LINT_PACKAGES)
	@$(MAKE) --no-print-directory all $(LIBS) lint-run

bench: deps ## Measure: cost per opcode, accuracy, rendering; as ratios in one run
	@$(MAKE) --no-print-directory all bench-run

# One program per file, each with a main() of its own.
BENCHES := $(patsubst %.c,$(O)/%,$(wildcard tests/bench/*_bench.c))
bench-run: $(BENCHES)
	@for bench in $^; do echo "== $$(basename $$bench)"; $$bench || exit 1; done
# Those that run the agent in real Pythons are made as suites are.
PROBE_BENCHES := $(patsubst %,$(O)/tests/bench/%_bench,accuracy probe short)
$(PROBE_BENCHES): $(O)/tests/bench/%_bench: $(O)/tests/bench/%_bench.o $(O)/tests/probe/probed.o \
		$(O)/tests/inspect/process.o $(call objects,$(TEST_COMMON)) $(LIBS)
	$(call say,LINK,$@)$(CC) $(CFLAGS) $(SAN_CFLAGS) -rdynamic -o $@ $^ -lcunit -ldw $(CORE_LIBS) -ldl
$(O)/tests/bench/%_bench: $(O)/tests/bench/%_bench.o $(O)/libtests.a $(LIBS)
	$(call say,LINK,$@)$(CC) $(CFLAGS) $(SAN_CFLAGS) -rdynamic -o $@ $^ $(CORE_LIBS) -ldl

FUZZERS := $(patsubst tests/fuzz/%_fuzz.c,%,$(wildcard tests/fuzz/*_fuzz.c))
FUZZ_SECONDS ?= 60
fuzz: ## Fuzz everything that parses bytes from outside, FUZZ_SECONDS each
	@tests/tools/deps.sh $(BUILD_PACKAGES) $(FUZZ_PACKAGES)
	@$(MAKE) --no-print-directory O=$(O)/fuzz CC=clang SAN=fuzzer-no-link,address,undefined fuzz-run

fuzz-run: $(FUZZERS:%=$(O)/tests/fuzz/%)
	for fuzzer in $^; do mkdir -p $$fuzzer.corpus; \
	    $$fuzzer -max_total_time=$(FUZZ_SECONDS) -verbosity=0 -print_final_stats=1 \
	        -artifact_prefix=$$fuzzer- $$fuzzer.corpus || exit 1; done
$(O)/tests/fuzz/inspect: $(call objects,$(patsubst %,tests/inspect/%.c,process snapshot told exercise))
$(O)/tests/fuzz/%: $(O)/tests/fuzz/%_fuzz.o $(O)/libtests.a $(LIBS)
	$(call say,LINK,$@)$(CC) $(CFLAGS) -fsanitize=fuzzer,address,undefined -o $@ $(filter %.o,$^) \
	    $(filter %.a,$^) $(CORE_LIBS)

install: all ## Install under PREFIX (/usr/local), for both debuggers
	install -d "$(DESTDIR)$(PREFIX)/lib/bytesight" "$(DESTDIR)$(PREFIX)/share/bytesight"
	install -m 755 $(AGENT) $(MODULE) "$(DESTDIR)$(PREFIX)/lib/bytesight"
	cd gdb && find . -name '*.py' -exec install -m 644 -D {} "$(DESTDIR)$(PREFIX)/share/bytesight/gdb/{}" \;
	cd lldb && find . -name '*.py' -exec install -m 644 -D {} "$(DESTDIR)$(PREFIX)/share/bytesight/lldb/{}" \;
	@echo 'For GDB put this line into ~/.gdbinit:'
	@echo '    source $(PREFIX)/share/bytesight/gdb/bytesight.py'
	@echo 'For LLDB put this line into ~/.lldbinit:'
	@echo '    command script import "$(PREFIX)/share/bytesight/lldb/bytesight.py"'

uninstall: ## Remove what install put there
	rm -rf "$(DESTDIR)$(PREFIX)/lib/bytesight" "$(DESTDIR)$(PREFIX)/share/bytesight"

test-matrix: ## Run the tests in Debian 12, 13 and sid root file systems, and print the table
	@tests/tools/matrix.sh

C_FILES := $(sort $(shell find native tests -name '*.[ch]'))
NATIVE_FILES := $(filter native/%.c,$(C_FILES))
PYTHON_FILES := $(sort $(shell find gdb lldb tests -name '*.py' -not -path 'tests/golden/*'))
SHELL_FILES := $(sort $(shell find tests -name '*.sh')) $(wildcard .ci/run)

lint-run: style $(NATIVE_FILES:%.c=$(O)/lint/%.tidy)
# What takes no time; the analysis of every file, above, takes minutes once.
style:
	@clang-format --dry-run -Werror $(C_FILES)
	tests/tools/layers.sh $(O)
	@$(if $(PYTHON_FILES),pyflakes3 $(PYTHON_FILES))
	@shellcheck $(SHELL_FILES)

$(O)/lint/native/agent/%.tidy: FLAGS = $(AGENT_CFLAGS)
$(O)/lint/native/module/%.tidy: FLAGS = $(MODULE_CFLAGS)
$(O)/lint/%.tidy: FLAGS = $(CORE_CFLAGS)
# The object stands for the headers that the file includes.
$(O)/lint/%.tidy: %.c .clang-tidy $(O)/%.o
	@mkdir -p $(@D)
	$(call say,TIDY,$<)clang-tidy --quiet $< -- $(FLAGS) 2>/dev/null && touch $@

clean: ## Remove what was built
	rm -rf $(O)

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo '  O=DIR builds elsewhere; V=1 shows commands; SAN=address,undefined; WERROR=1'

.PHONY: all bench bench-run check clean demo demo-run deps fuzz fuzz-run help install lint lint-run style test test-cpython \
	test-matrix test-programs uninstall
