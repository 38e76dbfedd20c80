/* Counts a code that saturated, where the network is compiled with counters. */
#ifdef @PREFIX@_COUNT_SATURATIONS
#define COUNT(counter) (*(counter) += 1u)
#else
#define COUNT(counter) ((void)(counter))
#endif

/* The counter of a layer. */
#ifdef @PREFIX@_COUNT_SATURATIONS
#define COUNTER(net, layer) (&(net)->saturated[layer])
#else
#define COUNTER(net, layer) NULL
#endif
