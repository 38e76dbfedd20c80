/* Codes times a constant, in another format. */
static void scale_highway(size_t count, const int16_t *codes, int16_t multiplier, uint32_t shift, int16_t *to,
                          uint32_t *clipped)
{
    size_t i;

    for (i = 0u; i < count; ++i) {
        to[i] = saturate16(round_shift32((int32_t)codes[i] * (int32_t)multiplier, shift), clipped);
    }
}
