/* Where no call can be made, and which thread makes it. */
#include "harness.h"

#include <stdio.h>
#include <string.h>

#ifdef __x86_64__
#define BREAKPOINT 0
#else
#define BREAKPOINT 1
#endif

/* A thread whose innermost frames are these, under a Python that holds the GIL. */
static struct bs_error *trace_at(const char *const *functions) {
    _cleanup_harness_ struct harness harness = harness_python();
    fake_thread(harness.fake, FAKE_PID, functions);
    struct bs_error *error = harness_run(&harness, "trace f");
    CHECK_EQ(harness.fake->starts, error ? 0 : 1);
    CHECK_EQ(fake_leftovers(harness.fake), 0);
    return error;
}

TEST(safety, allocators_are_refused_with_frame_and_way_out) {
    CHECK_ERROR(trace_at((const char *const[]){"_int_malloc@/lib/libc.so.6",
                                               "malloc@/lib/libc.so.6", "mymod_compute", NULL}),
                BS_ERROR_STATE,
                "thread 4242 is inside the memory allocator (frame 1, `malloc`), where no call can "
                "be made; type `f 1` and `finish`, then try again");
    CHECK_ERROR(
        trace_at((const char *const[]){"update_get_addr@/lib64/ld-linux-x86-64.so.2",
                                       "__tls_get_addr@/lib64/ld-linux-x86-64.so.2", "f", NULL}),
        BS_ERROR_STATE, "inside the dynamic loader (frame 0, `update_get_addr`)");
    CHECK_ERROR(trace_at((const char *const[]){"??@/lib64/ld-linux-x86-64.so.2", "f", NULL}),
                BS_ERROR_STATE, "inside the dynamic loader");
    CHECK_ERROR(trace_at((const char *const[]){"??@/usr/lib/libjemalloc.so.2", "f", NULL}),
                BS_ERROR_STATE, "the memory allocator (frame 0");
    CHECK_ERROR(
        trace_at((const char *const[]){"pymalloc_alloc", "_PyObject_Malloc", "list_new", NULL}),
        BS_ERROR_STATE, "inside Python's allocator (frame 1, `_PyObject_Malloc`)");
    CHECK_ERROR(trace_at((const char *const[]){"_PyFreeList_Push", "_PyFreeList_Free",
                                               "long_dealloc", NULL}),
                BS_ERROR_STATE, "inside Python's allocator (frame 1, `_PyFreeList_Free`)");
    CHECK_ERROR(trace_at((const char *const[]){"free@/lib/libc-2.31.so", NULL}), BS_ERROR_STATE,
                "the memory allocator (frame 0, `free`)");
}

/* Named as GDB and LLDB name them; linked to the program as clang does it, or a library. */
TEST(safety, allocators_of_sanitizers_are_refused) {
    static const char *const inside[][4] = {
        {"malloc@/lib/libasan.so.8", "f"},
        {"::__interceptor_realloc(void *, __sanitizer::uptr)@/lib/libasan.so.8", "f"},
        {"operator new(unsigned long)@/lib/libtsan.so.2", "f"},
        {"__interceptor_free@/usr/bin/python3", "f"},
        {"__asan::Allocator::Allocate(unsigned long, bool)@/usr/bin/python3", "f"},
        {"__asan::asan_malloc(unsigned long)@/usr/lib/libclang_rt.asan-x86_64.so", "f"},
    };
    for (size_t i = 0; i < sizeof(inside) / sizeof(inside[0]); i++)
        CHECK_ERROR(trace_at(inside[i]), BS_ERROR_STATE, "is inside the memory allocator (frame 0");
    CHECK_ERROR(trace_at((const char *const[]){"write@/lib/libc.so.6",
                                               "__asan::ReportGenericError(unsigned long, bool)",
                                               "f", NULL}),
                BS_ERROR_STATE, "is inside a sanitizer's report (frame 1, ");
}

/* A deep one takes a debugger seconds. */
TEST(safety, the_stack_of_the_calling_thread_is_walked_once) {
    _cleanup_harness_ struct harness harness = harness_python();
    CHECK_OK(harness_run(&harness, "status"));
    CHECK_EQ(harness.fake->walks, 1);
}

TEST(safety, a_breakpoint_that_a_debugger_left_is_seen) {
    static const unsigned char codes[][4] = {{0xcc, 0x66, 0x90}, {0x00, 0x00, 0x20, 0xd4}};
    _cleanup_harness_ struct harness harness = harness_python();
    uint64_t addr = fake_function(harness.fake, "_dl_debug_state", "/lib/ld-linux.so", NULL);
    unsigned char *code = fake_memory(harness.fake, addr, sizeof(codes[0]));
    CHECK_OK(harness_run(&harness, "trace f"));
    memcpy(code, codes[BREAKPOINT], sizeof(codes[0]));
    CHECK_ERROR(harness_run(&harness, "trace f"), BS_ERROR_STATE,
                "a debugger that was killed has left a breakpoint in the dynamic loader");
    CHECK_EQ(fake_leftovers(harness.fake), 0);
}

TEST(safety, waiting_in_a_sanitizer_is_waiting_in_the_c_library) {
    CHECK_OK(trace_at(
        (const char *const[]){"read@/lib/libc.so.6", "read@/lib/libasan.so.8", "os_read", NULL}));
    CHECK_OK(trace_at((const char *const[]){
        "pause@/lib/libc.so.6", "__asan::AsanThread::ThreadStart(unsigned long long)", NULL}));
}

TEST(safety, the_loader_and_the_collector_are_refused) {
    CHECK_ERROR(trace_at((const char *const[]){"do_lookup_x@/lib64/ld-linux-x86-64.so.2",
                                               "_dl_fixup@/lib64/ld-linux-x86-64.so.2", "f", NULL}),
                BS_ERROR_STATE, "inside the dynamic loader (frame 1, `_dl_fixup`)");
    CHECK_ERROR(
        trace_at((const char *const[]){"visit", "gc_collect_main", "_PyObject_GC_Alloc", NULL}),
        BS_ERROR_STATE, "inside the garbage collector (frame 1, `gc_collect_main`)");
}

TEST(safety, forks_are_refused) {
    CHECK_ERROR(trace_at((const char *const[]){"arch_fork@/lib/libc.so.6", "_Fork@/lib/libc.so.6",
                                               "fork@/lib/libc.so.6", "os_fork_impl", "os_fork",
                                               "cfunction_vectorcall_NOARGS", NULL}),
                BS_ERROR_STATE, "inside a fork (frame 4, `os_fork`), where no call can be made");
    CHECK_ERROR(trace_at((const char *const[]){"__spawnix@/lib/libc.so.6", "py_posix_spawn", NULL}),
                BS_ERROR_STATE, "inside a fork (frame 0, `__spawnix`)");
    CHECK_OK(trace_at((const char *const[]){"forklift", "waitpid@/lib/libc.so.6", NULL}));
}

TEST(safety, functions_with_similar_names_are_none_of_that) {
    CHECK_OK(trace_at((const char *const[]){"freeze@/lib/libc.so.6", NULL}));
    CHECK_OK(trace_at((const char *const[]){"mymalloc@/home/me/mymod.so", NULL}));
    CHECK_OK(trace_at((const char *const[]){"__tls_get_addr@/lib64/ld-linux-x86-64.so.2",
                                            "PyFloat_FromDouble", NULL}));
    CHECK_OK(trace_at((const char *const[]){"read@/lib/libc.so.6", "os_read", NULL}));
    CHECK_OK(trace_at((const char *const[]){NULL}));
}

/* Its dlopen() is among its own functions, and no program header names a loader. */
TEST(safety, a_static_python_is_refused_before_anything_is_called) {
    _cleanup_harness_ struct harness harness = harness_python();
    const struct bs_target *target = &harness.fake->host.target;
    uint64_t eval_addr = 0;
    CHECK_OK(target->lookup(target->arg, "_PyEval_EvalFrameDefault", &eval_addr));
    fake_symbol(harness.fake, "dlopen", "/fake/python3.11", eval_addr + 0x100, NULL);
    CHECK_ERROR(harness_run(&harness, "trace f"), BS_ERROR_UNSUPPORTED,
                "this Python is linked statically, and no library can be loaded into it: "
                "`bytesight stack` and `bytesight code` work");
    CHECK_EQ(harness.fake->starts, 0);
    CHECK_PRINTS(&harness, "status", "calls        this Python is linked statically");
}

/* As of a stub that lists no libraries. */
TEST(safety, without_a_c_library_there_are_no_calls) {
    _cleanup_harness_ struct harness harness = harness_create();
    fake_add_python(harness.fake, FAKE_PID);
    CHECK_ERROR(harness_run(&harness, "trace f"), BS_ERROR_NOT_FOUND,
                "the debugger knows no C library in this process, through which the agent is "
                "loaded");
    CHECK_PRINTS(&harness, "status", "calls        the debugger knows no C library");
}

TEST(safety, calls_are_made_on_the_thread_that_holds_the_gil) {
    static const char *const in_malloc[] = {"malloc@/lib/libc.so.6", "f", NULL};
    _cleanup_harness_ struct harness harness = harness_create();
    fake_add_libc(harness.fake);
    fake_add_python(harness.fake, 77);
    CHECK_PRINTS(&harness, "status", "held by thread 77\n");
    CHECK_PRINTS(&harness, "status", "possible, on thread 77");
    fake_thread(harness.fake, FAKE_PID, in_malloc); /* not the one that matters */
    CHECK_OK(harness_run(&harness, "trace f"));
    fake_thread(harness.fake, 77, in_malloc);
    CHECK_ERROR(harness_run(&harness, "trace f"), BS_ERROR_STATE,
                "thread 77, which holds the GIL, is inside the memory allocator (frame 0, "
                "`malloc`), where no call can be made; select that thread, type `f 0` and");
}

TEST(safety, while_nobody_holds_the_gil_any_python_thread_will_do) {
    _cleanup_harness_ struct harness harness = harness_create();
    fake_add_libc(harness.fake);
    fake_add_python(harness.fake, 0);
    CHECK_PRINTS(&harness, "status", "GIL          free");
    harness.fake->state.selected_tid = 99; /* not a thread of Python */
    fake_thread(harness.fake, 99, (const char *const[]){"work", NULL});
    CHECK_PRINTS(&harness, "status", "possible, on thread 4242");
    CHECK_OK(harness_run(&harness, "trace f"));
    CHECK_EQ(harness.fake->request.frame_index, BS_FRAME_NONE);
}
