"""The paper's figures and tables as data: what each asks, its runs, its numbers, its claims.

Singh et al. 2024 (arXiv 2404.07129). All numbers are of the published runs, on Omniglot.
"""
