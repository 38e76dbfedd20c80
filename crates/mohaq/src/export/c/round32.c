/*
 * value / 2^shift rounded down, for shifts below 32.
 *
 * What a compiler does with negative numbers that it shifts to the right is its own business: the condition asks, costs
 * nothing, and there is another way.
 */
static int32_t floor_shift32(int32_t value, uint32_t shift)
{
    if ((-1 >> 1) == -1) {
        return value >> shift;
    }
    if (value >= 0) {
        return (int32_t)((uint32_t)value >> shift);
    }
    return -1 - (int32_t)((uint32_t)(-1 - value) >> shift);
}

/*
 * value / 2^shift rounded to the nearest, ties to even, for shifts up to 30.
 *
 * The sum fits: no value here is above 2^30 + 2^29, and where the shift is above 15, none is above 2^30.
 */
static int32_t round_shift32(int32_t value, uint32_t shift)
{
    int32_t below_half;
    int32_t odd;

    if (shift == 0u) {
        return value;
    }
    below_half = (int32_t)((UINT32_C(1) << (shift - 1u)) - 1u);
    odd = (int32_t)((uint32_t)floor_shift32(value, shift) & 1u);
    return floor_shift32(value + below_half + odd, shift);
}
