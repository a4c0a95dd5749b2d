/* Moments by how fast the machine was in them. */
#include "agent/probe/fastest.h"
#include "check.h"

#include <math.h>
#include <stdint.h>

/* What takes two measures takes that in every moment, and means are over fast ones. */
TEST(fastest, mean_is_over_fast_moments) {
    struct bs_fastest fastest;
    double mean[2];
    if (!CHECK(bs_fastest_init(&fastest, 2)))
        return;
    CHECK(!bs_fastest_mean(&fastest, INT32_MAX, 0, mean));
    for (int i = 0; i < 1000; i++) {
        double measure = i % 10 < 7 ? 1900 + i : 1010 + i % 7;
        for (int run = 0; run < 2; run++) {
            double *sums = bs_fastest_add(&fastest);
            sums[0] += 2 * measure;
            sums[1] += i % 10 < 7 ? 1 : 2;
        }
        bs_fastest_settle(&fastest, measure, 1);
    }
    int limit = bs_fastest_limit(&fastest, 100);
    CHECK_EQ(bs_fastest_runs(&fastest, limit), 600);
    CHECK(bs_fastest_mean(&fastest, limit, 0, mean));
    CHECK(fabs(mean[0] - 2026) < 1);
    CHECK(fabs(mean[1] - 2) < 1e-9);
    CHECK(bs_fastest_mean(&fastest, INT32_MAX, 500, mean));
    CHECK(fabs(mean[0] - 1000) < 1e-6);
    bs_fastest_deinit(&fastest);
}

TEST(fastest, what_has_no_known_moment_is_dropped) {
    struct bs_fastest fastest;
    double mean;
    if (!CHECK(bs_fastest_init(&fastest, 1)))
        return;
    *bs_fastest_add(&fastest) += 7;
    bs_fastest_drop(&fastest);
    bs_fastest_settle(&fastest, 1, 1);
    CHECK(!bs_fastest_mean(&fastest, INT32_MAX, 0, &mean));
    CHECK_EQ(bs_fastest_limit(&fastest, 1), INT32_MIN);
    bs_fastest_deinit(&fastest);
}

/* There is room for a few classes: those that are faster. */
TEST(fastest, keeps_the_fastest_classes) {
    struct bs_fastest fastest;
    if (!CHECK(bs_fastest_init(&fastest, 1)))
        return;
    for (int i = 40; i-- > 0;) {
        bs_fastest_add(&fastest);
        bs_fastest_settle(&fastest, 1000 + 100 * (i * 7 % 40), 1);
    }
    CHECK_EQ(bs_fastest_runs(&fastest, INT32_MAX), BS_FASTEST_CLASSES);
    CHECK(bs_fastest_limit(&fastest, UINT32_MAX) <= bs_fastest_class(1700, 1));
    bs_fastest_deinit(&fastest);
}
