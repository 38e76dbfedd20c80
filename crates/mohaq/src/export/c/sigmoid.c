/* The logistic function of a Q4.11 code, in Q1.14. */
static int16_t sigmoid(int16_t code)
{
    return interpolate(sigmoid_points, code);
}
