/* One frame of minimal gated units: gates f, n; h = (1 - f) * h + f * tanh(n), n of the product of f * h. */
static void cell_mgu(size_t units, const int16_t *u, const int16_t *v, int16_t *h, uint32_t *clipped)
{
    size_t i;

    for (i = 0u; i < units; ++i) {
        const int16_t forget = sigmoid(add(u[i], v[i], clipped));

        h[i] = mix(forget, h[i], hyperbolic_tangent(add(u[units + i], v[units + i], clipped)));
    }
}
