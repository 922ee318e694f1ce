"""We train models here, on tuning queries alone: adapters of queries, rerankers and embedding models."""
