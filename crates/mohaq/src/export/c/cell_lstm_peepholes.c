/*
 * One frame of units of long short-term memory with peepholes: gates i, f, g, o; i and f look at the state before, o at
 * the new one. `peepholes` are those of i, f and o, `stride` apart.
 */
static void cell_lstm_peepholes(size_t units, const int16_t *u, const int16_t *v, const int16_t *peepholes, size_t stride,
                                uint32_t shift, uint32_t fraction, int16_t *c, int16_t *h, uint32_t *clipped)
{
    size_t i;

    for (i = 0u; i < units; ++i) {
        const int16_t before = c[i];
        const int16_t input = add(u[i], v[i], clipped);
        const int16_t forget = add(u[units + i], v[units + i], clipped);
        const int16_t candidate = hyperbolic_tangent(add(u[(2u * units) + i], v[(2u * units) + i], clipped));
        const int16_t output = add(u[(3u * units) + i], v[(3u * units) + i], clipped);
        const int16_t opened = sigmoid(look(input, peepholes[i], before, shift, clipped));
        const int16_t kept = sigmoid(look(forget, peepholes[stride + i], before, shift, clipped));

        c[i] = remember(kept, before, opened, candidate, 14u - fraction, clipped);
        h[i] = show(sigmoid(look(output, peepholes[(2u * stride) + i], c[i], shift, clipped)), c[i], fraction);
    }
}
