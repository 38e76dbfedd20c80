#ifdef USE_DSP
/*
 * The sum of products with weights of 2 bits, 16 a word. With its sign turned a code is itself plus 2, from 0 to 3; `base` is
 * what that adds. All is modulo 2^32, and the sum fits.
 */
static int32_t dot_w2_s32(const uint8_t *weights, const int16_t *row, size_t inputs, uint32_t base)
{
    const size_t whole = inputs - (inputs % 16u);
    int32_t sum = 0;
    size_t i;

    for (i = 0u; i < whole; i += 16u) {
        const uint32_t codes = word_at(weights + (i / 4u)) ^ 0xAAAAAAAAu;

        sum = __smlad((int16x2_t)(codes & 0x00030003u), (int16x2_t)word_at(row + i), sum);
        sum = __smlad((int16x2_t)((codes >> 2) & 0x00030003u), (int16x2_t)word_at(row + i + 2u), sum);
        sum = __smlad((int16x2_t)((codes >> 4) & 0x00030003u), (int16x2_t)word_at(row + i + 4u), sum);
        sum = __smlad((int16x2_t)((codes >> 6) & 0x00030003u), (int16x2_t)word_at(row + i + 6u), sum);
        sum = __smlad((int16x2_t)((codes >> 8) & 0x00030003u), (int16x2_t)word_at(row + i + 8u), sum);
        sum = __smlad((int16x2_t)((codes >> 10) & 0x00030003u), (int16x2_t)word_at(row + i + 10u), sum);
        sum = __smlad((int16x2_t)((codes >> 12) & 0x00030003u), (int16x2_t)word_at(row + i + 12u), sum);
        sum = __smlad((int16x2_t)((codes >> 14) & 0x00030003u), (int16x2_t)word_at(row + i + 14u), sum);
    }
    sum = (int32_t)((uint32_t)sum - base);
    for (; i < inputs; ++i) {
        const uint32_t code = ((uint32_t)weights[i / 4u] >> (2u * (i % 4u))) & 3u;

        sum += ((int32_t)(code ^ 2u) - 2) * (int32_t)row[i];
    }
    return sum;
}
#define BASE_W2(row, inputs) base_of(row, inputs, 16u, 2u)
#else
/* The sum of products with weights of 2 bits, four a byte. */
static int32_t dot_w2_s32(const uint8_t *weights, const int16_t *row, size_t inputs, uint32_t base)
{
    int32_t sum = 0;
    size_t i;

    (void)base;
    for (i = 0u; (i + 3u) < inputs; i += 4u) {
        const uint32_t byte = weights[i / 4u];

        sum += ((int32_t)((byte & 3u) ^ 2u) - 2) * (int32_t)row[i];
        sum += ((int32_t)(((byte >> 2) & 3u) ^ 2u) - 2) * (int32_t)row[i + 1u];
        sum += ((int32_t)(((byte >> 4) & 3u) ^ 2u) - 2) * (int32_t)row[i + 2u];
        sum += ((int32_t)((byte >> 6) ^ 2u) - 2) * (int32_t)row[i + 3u];
    }
    for (; i < inputs; ++i) {
        const uint32_t code = ((uint32_t)weights[i / 4u] >> (2u * (i % 4u))) & 3u;

        sum += ((int32_t)(code ^ 2u) - 2) * (int32_t)row[i];
    }
    return sum;
}
#define BASE_W2(row, inputs) 0u
#endif
