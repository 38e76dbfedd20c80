/* One frame of quasi-recurrent units: gates z, f; c = (1 - f) * tanh(z) + f * c, which is also the output. */
static void cell_qrnn_f(size_t units, const int16_t *u, int16_t *c, int16_t *h)
{
    size_t i;

    for (i = 0u; i < units; ++i) {
        c[i] = mix(sigmoid(u[units + i]), hyperbolic_tangent(u[i]), c[i]);
        h[i] = c[i];
    }
}
