#ifdef USE_DSP
/*
 * The sum of products with weights of 4 bits, eight a word. With its sign turned a code is itself plus 8, from 0 to 15; `base`
 * is what that adds. All is modulo 2^32, and the sum fits.
 */
static int32_t dot_w4_s32(const uint8_t *weights, const int16_t *row, size_t inputs, uint32_t base)
{
    const size_t whole = inputs - (inputs % 8u);
    int32_t sum = 0;
    size_t i;

    for (i = 0u; i < whole; i += 8u) {
        const uint32_t codes = word_at(weights + (i / 2u)) ^ 0x88888888u;

        sum = __smlad((int16x2_t)(codes & 0x000F000Fu), (int16x2_t)word_at(row + i), sum);
        sum = __smlad((int16x2_t)((codes >> 4) & 0x000F000Fu), (int16x2_t)word_at(row + i + 2u), sum);
        sum = __smlad((int16x2_t)((codes >> 8) & 0x000F000Fu), (int16x2_t)word_at(row + i + 4u), sum);
        sum = __smlad((int16x2_t)((codes >> 12) & 0x000F000Fu), (int16x2_t)word_at(row + i + 6u), sum);
    }
    sum = (int32_t)((uint32_t)sum - base);
    for (; i < inputs; ++i) {
        const uint32_t code = ((uint32_t)weights[i / 2u] >> (4u * (i % 2u))) & 15u;

        sum += ((int32_t)(code ^ 8u) - 8) * (int32_t)row[i];
    }
    return sum;
}
#define BASE_W4(row, inputs) base_of(row, inputs, 8u, 8u)
#else
/* The sum of products with weights of 4 bits, two a byte. */
static int32_t dot_w4_s32(const uint8_t *weights, const int16_t *row, size_t inputs, uint32_t base)
{
    int32_t sum = 0;
    size_t i;

    (void)base;
    for (i = 0u; (i + 1u) < inputs; i += 2u) {
        const uint32_t byte = weights[i / 2u];

        sum += ((int32_t)((byte & 15u) ^ 8u) - 8) * (int32_t)row[i];
        sum += ((int32_t)((byte >> 4) ^ 8u) - 8) * (int32_t)row[i + 1u];
    }
    if (i < inputs) {
        sum += ((int32_t)(((uint32_t)weights[i / 2u] & 15u) ^ 8u) - 8) * (int32_t)row[i];
    }
    return sum;
}
#define BASE_W4(row, inputs) 0u
#endif
