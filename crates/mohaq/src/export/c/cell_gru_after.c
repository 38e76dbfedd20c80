/*
 * One frame of gated recurrent units whose reset gate acts on the product: gates r, z, n.
 *
 * n = tanh(u + r * v)      h = (1 - z) * n + z * h
 */
static void cell_gru_after(size_t units, const int16_t *u, const int16_t *v, int16_t *h, uint32_t *clipped)
{
    size_t i;

    for (i = 0u; i < units; ++i) {
        const int16_t reset = sigmoid(add(u[i], v[i], clipped));
        const int16_t update = sigmoid(add(u[units + i], v[units + i], clipped));
        const int16_t inner = times(reset, v[(2u * units) + i]);
        const int16_t candidate = hyperbolic_tangent(add(u[(2u * units) + i], inner, clipped));

        h[i] = mix(update, candidate, h[i]);
    }
}
