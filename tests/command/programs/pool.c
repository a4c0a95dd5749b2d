/* Computes in a thread of its own, as libraries of linear algebra do, and can be told not to. */
#include <pthread.h>
#include <stddef.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int argument, result, threads = 2;
static enum {
    NO_THREAD,
    WAITS,
    HAS_WORK,
} state;

static void *work(void *arg) {
    pthread_mutex_lock(&lock);
    for (;;) {
        while (state != HAS_WORK)
            pthread_cond_wait(&changed, &lock);
        result = argument * argument;
        state = WAITS;
        pthread_cond_broadcast(&changed);
    }
    return NULL;
}

/* Whatever it was told. */
int square_in_thread(int n);
int square_in_thread(int n) {
    pthread_t thread;
    pthread_mutex_lock(&lock);
    if (state == NO_THREAD)
        pthread_create(&thread, NULL, work, NULL);
    argument = n;
    state = HAS_WORK;
    pthread_cond_broadcast(&changed);
    while (state == HAS_WORK)
        pthread_cond_wait(&changed, &lock);
    n = result;
    pthread_mutex_unlock(&lock);
    return n;
}

int square(int n);
int square(int n) {
    return threads > 1 ? square_in_thread(n) : n * n;
}

void openblas_set_num_threads(int count);
void openblas_set_num_threads(int count) {
    threads = count;
}
