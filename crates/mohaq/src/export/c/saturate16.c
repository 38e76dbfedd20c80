/* The nearest 16 bit code. */
static int16_t saturate16(int32_t value, uint32_t *clipped)
{
    if (value > INT16_MAX) {
        COUNT(clipped);
        return INT16_MAX;
    }
    if (value < INT16_MIN) {
        COUNT(clipped);
        return INT16_MIN;
    }
    return (int16_t)value;
}
