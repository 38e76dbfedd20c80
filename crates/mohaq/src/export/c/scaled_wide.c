/*
 * The same for a sum of up to 63 bits and its sign. A result beyond 2^20 is some number beyond 2^20 on the same side: it
 * saturates whatever is added to it.
 *
 * The product has up to 85 bits. It is upper * 2^31 + lower, with 0 <= lower < 2^31.
 */
static int64_t scaled_wide(int64_t sum, uint32_t scale)
{
    const int64_t multiplier = (int64_t)(scale & UINT32_C(0xFFFFFF));
    const uint32_t shift = scale >> 24;
    const int64_t high = floor_shift64(sum, 31u);
    const int64_t low = (int64_t)((uint64_t)sum & UINT64_C(0x7FFFFFFF));
    const int64_t product_low = low * multiplier;
    const int64_t upper = (high * multiplier) + floor_shift64(product_low, 31u);
    const uint64_t lower = (uint64_t)product_low & UINT64_C(0x7FFFFFFF);
    uint64_t rest;
    uint64_t half;
    int64_t nearest;

    if ((sum >= INT32_MIN) && (sum <= INT32_MAX)) {
        return scaled((int32_t)sum, scale);
    }
    if (shift < 32u) {
        /* A sum of 2^31 and more times 2^21 and more, shifted by at most 31. */
        return (sum > 0) ? INT32_MAX : INT32_MIN;
    }
    nearest = floor_shift64(upper, shift - 31u);
    rest = (uint64_t)upper & ((UINT64_C(1) << (shift - 31u)) - 1u);
    half = UINT64_C(1) << (shift - 32u);
    if ((rest > half) || ((rest == half) && ((lower != 0u) || (((uint64_t)nearest & 1u) != 0u)))) {
        nearest += 1;
    }
    return nearest;
}
