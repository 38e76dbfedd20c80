/* The sum of products with weights of 8 bits. Bytes are read as signed ones, which are two's complement by the standard. */
static @SUM@ dot_w8_s@BITS@(const uint8_t *weights, const int16_t *row, size_t inputs)
{
    const int8_t *const codes = (const int8_t *)weights;
    @SUM@ sum = 0;
    size_t i = 0u;

#ifdef USE_DSP
    /* Four codes a word: with their signs, the even ones and the odd ones stand in halves of a word. */
    for (; (i + 4u) <= inputs; i += 4u) {
        const uint32_t word = word_at(weights + i);

        sum = @SMLAD@(__sxtb16((int8x4_t)word), (int16x2_t)word_at(row + i), sum);
        sum = @SMLAD@(__sxtb16((int8x4_t)(word >> 8)), (int16x2_t)word_at(row + i + 2u), sum);
    }
#endif
    for (; i < inputs; ++i) {
        sum += (int32_t)codes[i] * (int32_t)row[i];
    }
    return sum;
}
