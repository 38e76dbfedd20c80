/* Lends the network its memory and brings it before the first frame. An arena at a multiple of 4 bytes is the fastest. */
void @NAME@_init(@NAME@_net *net, int16_t arena[@PREFIX@_ARENA_CODES]);

/* Brings the network before the first frame of another sequence. */
void @NAME@_reset(@NAME@_net *net);

/*
 * One frame. Returns 1 where a frame came out, and 0 where a convolution has not seen all of its frames yet and the output
 * is as it was.@ROW@
 */
int32_t @NAME@_step(@NAME@_net *net, const int16_t input[@PREFIX@_INPUTS], int16_t output[@PREFIX@_OUTPUTS]);
