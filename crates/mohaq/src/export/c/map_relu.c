/* relu of every code. */
static void map_relu(size_t count, const int16_t *codes, int16_t *to)
{
    size_t i;

    for (i = 0u; i < count; ++i) {
        to[i] = relu(codes[i]);
    }
}
