/* The sum of products with weights of 8 bits. Bytes are read as signed ones, which are two's complement by the standard. */
static @SUM@ dot_w8_s@BITS@(const uint8_t *weights, const int16_t *row, size_t inputs)
{
    const int8_t *const codes = (const int8_t *)weights;
    @SUM@ sum = 0;
    size_t i;

    for (i = 0u; i < inputs; ++i) {
        sum += (int32_t)codes[i] * (int32_t)row[i];
    }
    return sum;
}
