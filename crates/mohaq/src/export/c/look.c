/* A gate's argument with what its peephole shows of the state. What the product alone clips is not counted. */
static int16_t look(int16_t argument, int16_t peephole, int16_t state, uint32_t shift, uint32_t *clipped)
{
    uint32_t uncounted = 0u;
    const int32_t seen = round_shift32((int32_t)peephole * (int32_t)state, shift);

    return saturate16((int32_t)argument + (int32_t)saturate16(seen, &uncounted), clipped);
}
