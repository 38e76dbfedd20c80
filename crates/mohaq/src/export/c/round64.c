/* value / 2^shift rounded down, for shifts below 64. */
static int64_t floor_shift64(int64_t value, uint32_t shift)
{
    if ((-1 >> 1) == -1) {
        return value >> shift;
    }
    if (value >= 0) {
        return (int64_t)((uint64_t)value >> shift);
    }
    return -1 - (int64_t)((uint64_t)(-1 - value) >> shift);
}

/* value / 2^shift rounded to the nearest, ties to even, for shifts up to 53 and values up to 2^53. */
static int64_t round_shift64(int64_t value, uint32_t shift)
{
    int64_t below_half;
    int64_t odd;

    if (shift == 0u) {
        return value;
    }
    below_half = (int64_t)((UINT64_C(1) << (shift - 1u)) - 1u);
    odd = (int64_t)((uint64_t)floor_shift64(value, shift) & 1u);
    return floor_shift64(value + below_half + odd, shift);
}
