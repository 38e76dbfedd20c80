/*
 * A sum in the unit of its result, rounded once: sum * multiplier / 2^shift. A scale has its multiplier, 2^21 and more, in
 * the lower 24 bits and its shift, 0 to 53, above.
 */
static int64_t scaled(int32_t sum, uint32_t scale)
{
    return round_shift64((int64_t)sum * (int64_t)(scale & UINT32_C(0xFFFFFF)), scale >> 24);
}
