/* Lends the network its memory. */
void @NAME@_init(@NAME@_net *net, int16_t arena[@PREFIX@_ARENA_CODES]);

/* A sequence of more than @PREFIX@_MAX_FRAMES frames. */
#define @PREFIX@_TOO_LONG (-2)

/*
 * A whole sequence: `inputs` is [frames][@PREFIX@_INPUTS], `outputs` has room for [frames][@PREFIX@_OUTPUTS]. Returns how
 * many frames came out, which is fewer where a convolution has a stride, or @PREFIX@_TOO_LONG.@ROW@
 */
int32_t @NAME@_run(@NAME@_net *net, const int16_t *inputs, uint32_t frames, int16_t *outputs);
