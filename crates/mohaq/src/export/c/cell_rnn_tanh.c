/* One frame of units of Elman's network: h = tanh(u + v). */
static void cell_rnn_tanh(size_t units, const int16_t *u, const int16_t *v, int16_t *h, uint32_t *clipped)
{
    size_t i;

    for (i = 0u; i < units; ++i) {
        h[i] = hyperbolic_tangent(add(u[i], v[i], clipped));
    }
}
