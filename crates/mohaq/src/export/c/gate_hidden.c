/* The hidden output times the first gate, which the last gate's product reads. The gate's sum is counted elsewhere. */
static void gate_hidden(size_t units, const int16_t *u, const int16_t *v, const int16_t *h, int16_t *to)
{
    uint32_t uncounted = 0u;
    size_t i;

    for (i = 0u; i < units; ++i) {
        to[i] = times(sigmoid(add(u[i], v[i], &uncounted)), h[i]);
    }
}
