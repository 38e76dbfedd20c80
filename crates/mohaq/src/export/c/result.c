/* A result with its bias, saturated to 16 bits. */
static int16_t result(int64_t value, int16_t bias, uint32_t *clipped)
{
    const int64_t sum = value + (int64_t)bias;

    if (sum > INT16_MAX) {
        COUNT(clipped);
        return INT16_MAX;
    }
    if (sum < INT16_MIN) {
        COUNT(clipped);
        return INT16_MIN;
    }
    return (int16_t)sum;
}
