/* output * tanh(state); the state has `fraction` bits behind the point, and tanh wants 12. */
static int16_t show(int16_t output, int16_t state, uint32_t fraction)
{
    uint32_t uncounted = 0u;
    int32_t argument;

    if (fraction > 12u) {
        argument = round_shift32(state, fraction - 12u);
    } else {
        argument = (int32_t)state * (int32_t)(UINT32_C(1) << (12u - fraction));
    }
    return times(output, hyperbolic_tangent(saturate16(argument, &uncounted)));
}
