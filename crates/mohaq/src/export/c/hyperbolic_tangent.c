/* The hyperbolic tangent of a Q3.12 code, in Q1.14. */
static int16_t hyperbolic_tangent(int16_t code)
{
    return interpolate(tanh_points, code);
}
