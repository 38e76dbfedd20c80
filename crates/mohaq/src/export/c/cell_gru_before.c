/*
 * One frame of gated recurrent units whose reset gate acts on the hidden output: gates r, z, n. The gate r has done its
 * work in front of the last product; its sum is counted here.
 */
static void cell_gru_before(size_t units, const int16_t *u, const int16_t *v, int16_t *h, uint32_t *clipped)
{
    size_t i;

    for (i = 0u; i < units; ++i) {
        const int16_t update = sigmoid(add(u[units + i], v[units + i], clipped));
        const int16_t candidate = hyperbolic_tangent(add(u[(2u * units) + i], v[(2u * units) + i], clipped));

        (void)add(u[i], v[i], clipped);
        h[i] = mix(update, candidate, h[i]);
    }
}
