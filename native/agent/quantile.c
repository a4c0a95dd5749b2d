#include "agent/quantile.h"

/* Shell's sort with Ciura's gaps: for the few dozen values of most steps nothing is quicker. */
static void sort(float *values, size_t count) {
    static const size_t gaps[] = {1750, 701, 301, 132, 57, 23, 10, 4, 1};
    for (size_t g = 0; g < sizeof(gaps) / sizeof(gaps[0]); g++) {
        for (size_t i = gaps[g]; i < count; i++) {
            float value = values[i];
            size_t j = i;
            for (; j >= gaps[g] && values[j - gaps[g]] > value; j -= gaps[g])
                values[j] = values[j - gaps[g]];
            values[j] = value;
        }
    }
}

double bs_quantile(float *values, size_t count, double part) {
    if (!count)
        return 0;
    sort(values, count);
    double position = part * (double)(count - 1);
    size_t below = (size_t)position;
    size_t above = below + 1 < count ? below + 1 : below;
    double weight = position - (double)below;
    return (double)values[below] * (1 - weight) + (double)values[above] * weight;
}
