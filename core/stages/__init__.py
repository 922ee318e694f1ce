"""We do the steps of retrieval here, each a stage: chunk, embed, index, filter, rewrite, retrieve, fuse, rerank."""
