/* One frame of quasi-recurrent units: gates z, f, o; c = (1 - f) * tanh(z) + f * c and h = o * c. */
static void cell_qrnn_fo(size_t units, const int16_t *u, int16_t *c, int16_t *h)
{
    size_t i;

    for (i = 0u; i < units; ++i) {
        c[i] = mix(sigmoid(u[units + i]), hyperbolic_tangent(u[i]), c[i]);
        h[i] = times(sigmoid(u[(2u * units) + i]), c[i]);
    }
}
