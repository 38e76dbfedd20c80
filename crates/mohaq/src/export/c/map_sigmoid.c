/* sigmoid of every code. */
static void map_sigmoid(size_t count, const int16_t *codes, int16_t *to)
{
    size_t i;

    for (i = 0u; i < count; ++i) {
        to[i] = sigmoid(codes[i]);
    }
}
