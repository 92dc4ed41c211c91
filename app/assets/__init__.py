"""Scripts, styles and pictures: what there is, a page's scripts as one file, and serving them."""
