/* The argument of a gate: what its products of the input and of the hidden output come to. */
static int16_t add(int16_t u, int16_t v, uint32_t *clipped)
{
    return saturate16((int32_t)u + (int32_t)v, clipped);
}
