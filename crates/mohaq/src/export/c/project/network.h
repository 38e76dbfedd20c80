/*
 * @NAME@: a network in integers, made by mohaq @VERSION@. README.md says how to call it.
 *
@ABOUT@ */
#ifndef @PREFIX@_H
#define @PREFIX@_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Codes of a frame that goes in, and of one that comes out. */
#define @PREFIX@_INPUTS @INPUTS@
#define @PREFIX@_OUTPUTS @OUTPUTS@

/* Bits behind the point: an input code q stands for q / 2^@INPUT_FRACTION@, an output code for q / 2^@OUTPUT_FRACTION@. */
#define @PREFIX@_INPUT_FRACTION @INPUT_FRACTION@
#define @PREFIX@_OUTPUT_FRACTION @OUTPUT_FRACTION@

#define @PREFIX@_LAYERS @LAYERS@

@ARENA@
typedef struct {
    int16_t *arena; /* the caller's memory */
#ifdef @PREFIX@_COUNT_SATURATIONS
    uint32_t saturated[@PREFIX@_LAYERS]; /* how many codes each layer clipped since init */
#endif
} @NAME@_net;

@FUNCTIONS@
#ifdef @PREFIX@_QUANTIZE_FLOATS
/* Features as input codes: the nearest, ties to even, saturated; 0 for a NaN. */
void @NAME@_quantize(const float *features, uint32_t count, int16_t *codes);
#endif

#ifdef __cplusplus
}
#endif

#endif
