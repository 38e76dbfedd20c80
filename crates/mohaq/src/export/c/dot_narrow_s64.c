/* The sum of products with weights of @W@ bits in 64 bits, for rows that are too long for 32. */
static int64_t dot_w@W@_s64(const uint8_t *weights, const int16_t *row, size_t inputs)
{
    int64_t sum = 0;
    size_t i;

    for (i = 0u; i < inputs; ++i) {
        sum += code_at(weights, @W@u, i) * (int32_t)row[i];
    }
    return sum;
}
