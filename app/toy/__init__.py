"""The toy model of the paper's section 4.1: three vectors that have to fit together. Plain Python,
so that the web process, which has no arrays, computes it while a slider moves."""
