/* tanh of every code. */
static void map_tanh(size_t count, const int16_t *codes, int16_t *to)
{
    size_t i;

    for (i = 0u; i < count; ++i) {
        to[i] = hyperbolic_tangent(codes[i]);
    }
}
