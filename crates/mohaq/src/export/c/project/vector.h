/* Frames that were drawn at random, and what mohaq computed of them. */
#ifndef @PREFIX@_VECTOR_H
#define @PREFIX@_VECTOR_H

#include <stdint.h>

#define VECTOR_FRAMES @FRAMES@u
#define VECTOR_OUTPUT_FRAMES @OUTPUT_FRAMES@u

/* Codes that saturate on the way. */
#define VECTOR_SATURATED @SATURATED@u

@ARRAYS@
#endif
