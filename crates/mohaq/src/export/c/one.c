/* 1 in Q1.14. */
#define ONE 16384
