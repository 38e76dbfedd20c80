/*
 * One frame of units of long short-term memory: gates i, f, g, o; `c` goes from frame to frame.
 *
 * c = f * c + i * g        h = o * tanh(c)
 */
static void cell_lstm(size_t units, const int16_t *u, const int16_t *v, uint32_t fraction, int16_t *c, int16_t *h,
                      uint32_t *clipped)
{
    size_t i;

    for (i = 0u; i < units; ++i) {
        const int16_t input = sigmoid(add(u[i], v[i], clipped));
        const int16_t forget = sigmoid(add(u[units + i], v[units + i], clipped));
        const int16_t candidate = hyperbolic_tangent(add(u[(2u * units) + i], v[(2u * units) + i], clipped));
        const int16_t output = sigmoid(add(u[(3u * units) + i], v[(3u * units) + i], clipped));

        c[i] = remember(forget, c[i], input, candidate, 14u - fraction, clipped);
        h[i] = show(output, c[i], fraction);
    }
}
