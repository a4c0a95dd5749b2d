#include "agent/quantile.h"

#include "check.h"

TEST(quantile, lies_between_values) {
    float values[] = {40, 10, 30, 20};
    CHECK_EQ((int64_t)bs_quantile(values, 4, 0.5), 25);
    CHECK_EQ((int64_t)bs_quantile(values, 4, 0), 10);
    CHECK_EQ((int64_t)bs_quantile(values, 4, 1), 40);
    CHECK_EQ((int64_t)bs_quantile(values, 0, 0.5), 0);
}
