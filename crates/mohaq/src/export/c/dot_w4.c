/* The sum of products with weights of 4 bits, two a byte. */
static @SUM@ dot_w4_s@BITS@(const uint8_t *weights, const int16_t *row, size_t inputs)
{
    @SUM@ sum = 0;
    size_t i;

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
