/* The sum of products with weights of 2 bits, four a byte. */
static @SUM@ dot_w2_s@BITS@(const uint8_t *weights, const int16_t *row, size_t inputs)
{
    @SUM@ sum = 0;
    size_t i;

    for (i = 0u; i < inputs; ++i) {
        const uint32_t code = ((uint32_t)weights[i / 4u] >> (2u * (i % 4u))) & 3u;

        sum += ((int32_t)(code ^ 2u) - 2) * (int32_t)row[i];
    }
    return sum;
}
