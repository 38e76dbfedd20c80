/* forget * state + input * candidate, in the format of the state: `shift` is 14 less its bits behind the point. */
static int16_t remember(int16_t forget, int16_t state, int16_t input, int16_t candidate, uint32_t shift, uint32_t *clipped)
{
    const int32_t added = round_shift32((int32_t)input * (int32_t)candidate, shift);

    return saturate16(round_shift32(((int32_t)forget * (int32_t)state) + added, 14u), clipped);
}
