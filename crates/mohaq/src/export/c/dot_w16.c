/* The sum of products with weights of 16 bits, the low byte first. */
static @SUM@ dot_w16_s@BITS@(const uint8_t *weights, const int16_t *row, size_t inputs)
{
    @SUM@ sum = 0;
    size_t i = 0u;

#ifdef USE_DSP
    for (; (i + 2u) <= inputs; i += 2u) {
        sum = @SMLAD@((int16x2_t)word_at(weights + (2u * i)), (int16x2_t)word_at(row + i), sum);
    }
#endif
    for (; i < inputs; ++i) {
        const uint32_t code = (uint32_t)weights[2u * i] | ((uint32_t)weights[(2u * i) + 1u] << 8);

        sum += ((int32_t)(code ^ 0x8000u) - 0x8000) * (int32_t)row[i];
    }
    return sum;
}
