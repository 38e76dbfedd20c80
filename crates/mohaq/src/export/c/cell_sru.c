/* The argument of a gate of a simple recurrent unit: vector * state + product. */
static int16_t sru_gate(int16_t vector, int16_t product_code, int16_t state, uint32_t shift, uint32_t *clipped)
{
    const int32_t raised = (int32_t)product_code * (int32_t)(UINT32_C(1) << shift);

    return sigmoid(saturate16(round_shift32(((int32_t)vector * (int32_t)state) + raised, shift), clipped));
}

/*
 * One frame of simple recurrent units: candidate u and the arguments of forget and reset gate in `u`, both of which also
 * see the state before. `highway` is carried past the units, or NULL.
 *
 * c = f * c + (1 - f) * u      h = r * c + (1 - r) * highway
 */
static void cell_sru(size_t units, const int16_t *u, const int16_t *forget_vector, const int16_t *reset_vector,
                     const int16_t *highway, uint32_t gate_shift, uint32_t hidden_shift, int16_t *c, int16_t *h,
                     uint32_t *clipped)
{
    size_t i;

    for (i = 0u; i < units; ++i) {
        const int16_t before = c[i];
        const int16_t forget = sru_gate(forget_vector[i], u[units + i], before, gate_shift, clipped);
        const int16_t reset = sru_gate(reset_vector[i], u[(2u * units) + i], before, gate_shift, clipped);
        const int16_t past = (int16_t)((highway != NULL) ? highway[i] : 0);

        c[i] = mix(forget, u[i], before);
        h[i] = mix(reset, past, (int16_t)round_shift32(c[i], hidden_shift));
    }
}
