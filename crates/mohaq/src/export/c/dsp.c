/*
 * The DSP instructions of a Cortex-M multiply two pairs of 16 bit numbers and add both products. The sums are the same
 * numbers as those of the plain C below, which `@PREFIX@_PORTABLE` chooses.
 */
#if defined(__ARM_FEATURE_DSP) && !defined(__ARM_BIG_ENDIAN) && !defined(@PREFIX@_PORTABLE)
#define USE_DSP
#include <arm_acle.h>
#endif
