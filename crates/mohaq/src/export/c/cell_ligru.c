/* One frame of light gated recurrent units: gates z, a; h = (1 - z) * max(a, 0) + z * h. */
static void cell_ligru(size_t units, const int16_t *u, const int16_t *v, int16_t *h, uint32_t *clipped)
{
    size_t i;

    for (i = 0u; i < units; ++i) {
        const int16_t update = sigmoid(add(u[i], v[i], clipped));

        h[i] = mix(update, relu(add(u[units + i], v[units + i], clipped)), h[i]);
    }
}
