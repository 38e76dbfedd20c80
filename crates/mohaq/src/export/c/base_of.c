#ifdef USE_DSP
/* The sum of the operands of whole blocks, times `offset`, modulo 2^32. */
static uint32_t base_of(const int16_t *row, size_t inputs, size_t block, uint32_t offset)
{
    const size_t whole = inputs - (inputs % block);
    uint32_t sum = 0u;
    size_t i;

    for (i = 0u; i < whole; ++i) {
        sum += (uint32_t)(int32_t)row[i];
    }
    return sum * offset;
}
#endif
